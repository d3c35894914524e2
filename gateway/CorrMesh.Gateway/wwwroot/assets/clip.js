// The frames of a clip, one at a time: while one is worked on, newer ones pass by, and the newest is taken next.

export class Clip {
  #video; #onFrame; #grabbed = document.createElement('canvas');
  #address = null; #presented = 0; #shown = 0; #taken = 0; #busy = false; #opened = 0; #stopped = true;

  /** onFrame({ blob, canvas, time_s }) works on a frame; nothing else is drawn on the canvas until its promise is over. */
  constructor(video, onFrame) {
    this.#video = video;
    this.#onFrame = onFrame;
    const watch = (_, frame) => {
      if (!this.#stopped) {
        // Frames that came and went between two calls count, too; another file may begin to count anew.
        this.#shown += Math.max(1, frame.presentedFrames - this.#presented);
        this.#take();
      }
      this.#presented = frame.presentedFrames;
      video.requestVideoFrameCallback(watch);
    };
    video.requestVideoFrameCallback?.(watch);
  }

  /** Frames that were shown but not worked on. */
  dropped = 0;

  /** Called when a clip that was opened cannot be played any further. */
  onBreak = () => {};

  /** What the browser says about a clip that it does not play. */
  get fault() { return this.#video.error?.message ?? ''; }

  get width() { return this.#video.videoWidth; }
  get height() { return this.#video.videoHeight; }

  /** Opens a file; false when this browser cannot play it: `fault` may say why. */
  async open(file) {
    this.close();
    if (!this.#video.requestVideoFrameCallback) return false;
    this.#address = URL.createObjectURL(file);
    const mine = ++this.#opened;
    const opened = await new Promise(resolve => {
      this.#video.onloadeddata = () => resolve(true);
      this.#video.onerror = () => resolve(false);
      this.#video.src = this.#address;
    });
    if (mine !== this.#opened || !opened || !this.width) return false;
    this.#video.onerror = () => { this.#stopped = true; this.onBreak(); };
    [this.#shown, this.#taken, this.dropped, this.#stopped] = [1, 0, 0, false];
    return true;
  }

  close() {
    this.#stopped = true;
    this.#opened++;
    if (!this.#address) return;
    this.#video.onerror = null;
    this.#video.pause();
    this.#video.removeAttribute('src');
    this.#video.load();
    URL.revokeObjectURL(this.#address);
    this.#address = null;
  }

  play() { this.#video.play().catch(() => {}); }
  pause() { this.#video.pause(); }
  get isOver() { return this.#video.ended; }
  get isPaused() { return this.#video.paused; }

  /** Works on the frame that is shown, once more if it was already. */
  again() {
    this.#taken = Math.min(this.#taken, this.#shown - 1);
    return this.#take();
  }

  async #take() {
    if (this.#busy || this.#stopped || this.#taken >= this.#shown) return;
    this.#busy = true;
    const mine = this.#opened;
    this.dropped += this.#shown - this.#taken - 1;
    this.#taken = this.#shown;
    try {
      Object.assign(this.#grabbed, { width: this.width, height: this.height });
      this.#grabbed.getContext('2d').drawImage(this.#video, 0, 0);
      const time_s = this.#video.currentTime;
      const blob = await new Promise(resolve => this.#grabbed.toBlob(resolve, 'image/jpeg', 0.92));
      if (blob && mine === this.#opened) await this.#onFrame({ blob, canvas: this.#grabbed, time_s });
    } finally {
      this.#busy = false;
    }
    this.#take();
  }
}
