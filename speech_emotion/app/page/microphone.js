// The microphone: 16-bit samples as they come, and their spectrum for the eye.

const UNTOUCHED = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

// Returns {rate, analyser, stop} of a microphone that gives its samples to `take`, an ArrayBuffer at a time.
export async function openMicrophone(take) {
  if (!navigator.mediaDevices) {
    throw new Error("A browser lends its microphone to https pages and to this computer's own only. Choose a file instead.");
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: UNTOUCHED }).catch((error) => {
    throw new Error(REASONS[error.name] ?? `The microphone cannot be used (${error.message}).`);
  });
  const context = new AudioContext();
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    return context.state === "closed" ? undefined : context.close();
  };
  try {
    await context.resume();
    await context.audioWorklet.addModule("recorder.js");
    const source = context.createMediaStreamSource(stream);
    const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0, minDecibels: -100, maxDecibels: -25 });
    const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    recorder.port.onmessage = ({ data }) => take(data);
    source.connect(analyser);
    source.connect(recorder);
    return { rate: context.sampleRate, analyser, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const REASONS = {
  NotAllowedError: "The browser may not use the microphone. Allow it beside the address, or choose a file.",
  NotFoundError: "There is no microphone. Connect one, or choose a file.",
  NotReadableError: "Another program uses the microphone. Close it there, or choose a file.",
};
