// One of the two pictures: choosing and dropping, the overlay, the marks, and a cursor for mouse and keyboard.
//
// Positions are pixels of the picture as people see it (browsers apply the EXIF orientation, as the mesh does); the centre of the
// top-left pixel is (0, 0), so a position p lies at (p + 0.5) / size of the frame.

export class Picture {
  constructor(id, { onFiles, onPick, onMove } = {}) {
    this.figure = document.getElementById(`${id}-figure`);
    this.frame = document.getElementById(id);
    this.about = document.getElementById(`${id}-about`);
    this.photo = this.frame.querySelector('.photo');
    this.overlay = this.frame.querySelector('.overlay');
    this.marks = this.frame.querySelector('.marks');
    this.cursor = this.frame.querySelector('.cursor');
    this.file = null;
    const input = document.getElementById(`${id}-file`);
    input.addEventListener('change', () => { if (input.files.length) onFiles([...input.files]); input.value = ''; });
    this.#listenForDrops(onFiles);
    if (onPick) this.#listenForPicks(onPick, onMove);
  }

  get width() { return this.photo.naturalWidth; }
  get height() { return this.photo.naturalHeight; }

  /** Shows a picture; false when the browser cannot, and then the one before stays. */
  async show(file) {
    const address = URL.createObjectURL(file.blob), trial = new Image();
    trial.src = address;
    try { await trial.decode(); } catch { URL.revokeObjectURL(address); return false; }
    const old = this.photo.src;
    this.photo.src = address;
    await this.photo.decode();
    if (old) URL.revokeObjectURL(old);
    this.file = file;
    this.at = { x: Math.floor(this.width / 2), y: Math.floor(this.height / 2) };
    this.about.textContent = `${file.name} · ${this.width} × ${this.height}`;
    this.about.title = this.about.textContent;
    this.cover(null);
    return true;
  }

  cover(address, opacity = 1) {
    this.overlay.hidden = !address;
    if (address && this.overlay.src !== address) this.overlay.src = address;
    if (!address) this.overlay.removeAttribute('src');
    this.overlay.style.opacity = opacity;
  }

  clearMarks() { this.marks.replaceChildren(); }

  mark({ x, y }, { text = '', colour, unsure = false, chosen = false, small = false }) {
    const mark = document.createElement('span');
    mark.className = 'mark';
    mark.classList.toggle('unsure', unsure);
    mark.classList.toggle('chosen', chosen);
    mark.classList.toggle('small', small);
    mark.textContent = text;
    mark.style.setProperty('--mark', colour);
    this.#place(mark, x, y);
    this.marks.append(mark);
  }

  /** Where a position lies in the window. */
  onScreen({ x, y }) {
    const box = this.frame.getBoundingClientRect();
    return { x: box.left + (x + 0.5) / this.width * box.width, y: box.top + (y + 0.5) / this.height * box.height };
  }

  #place(element, x, y) {
    element.style.left = `${(x + 0.5) / this.width * 100}%`;
    element.style.top = `${(y + 0.5) / this.height * 100}%`;
  }

  #listenForDrops(onFiles) {
    const dropping = on => this.figure.classList.toggle('dropping', on);
    this.figure.addEventListener('dragover', event => { event.preventDefault(); dropping(true); });
    this.figure.addEventListener('dragleave', event => { if (!this.figure.contains(event.relatedTarget)) dropping(false); });
    this.figure.addEventListener('drop', event => {
      event.preventDefault();
      dropping(false);
      if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files]);
    });
  }

  #listenForPicks(onPick, onMove) {
    this.frame.addEventListener('click', event => {
      if (!this.file) return;
      const box = this.frame.getBoundingClientRect();
      const position = (from, length, size) => Math.min(size - 1, Math.max(0, Math.floor(from / length * size)));
      this.at = { x: position(event.clientX - box.left, box.width, this.width), y: position(event.clientY - box.top, box.height, this.height) };
      this.cursor.hidden = true;
      onPick(this.at);
    });
    this.frame.addEventListener('keydown', event => {
      if (!this.file) return;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (way) {
        event.preventDefault();
        const step = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(this.width, this.height) / 64));
        this.at = {
          x: Math.min(this.width - 1, Math.max(0, this.at.x + way[0] * step)),
          y: Math.min(this.height - 1, Math.max(0, this.at.y + way[1] * step)),
        };
        this.#showCursor();
        onMove(this.at);
      } else if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        onPick(this.at);
      }
    });
    this.frame.addEventListener('focus', () => { if (this.file && this.frame.matches(':focus-visible')) this.#showCursor(); });
    this.frame.addEventListener('blur', () => { this.cursor.hidden = true; });
  }

  #showCursor() {
    this.cursor.hidden = false;
    this.#place(this.cursor, this.at.x, this.at.y);
  }
}
