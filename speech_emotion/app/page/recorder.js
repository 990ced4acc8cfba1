// Runs beside the page's other code: batches of what the microphone hears, as 16-bit samples.

class Recorder extends AudioWorkletProcessor {
  batch = new Int16Array(2048);
  filled = 0;

  process([channels]) {
    for (const sample of channels[0] ?? []) {
      this.batch[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.filled === this.batch.length) {
        this.port.postMessage(this.batch.buffer, [this.batch.buffer]);
        this.batch = new Int16Array(2048);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
