// Spectrograms on a canvas: pitch on the mel scale, loudness in matplotlib's "magma" (by Smith and van der Walt).

const HIGHEST_HZ = 8000;
const MAGMA = [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191]];
const COLOURS = Uint8ClampedArray.from({ length: 256 * 4 }, (_, index) => {
  const channel = index % 4;
  const place = (Math.floor(index / 4) / 255) * (MAGMA.length - 1);
  const below = Math.min(Math.floor(place), MAGMA.length - 2);
  return channel === 3 ? 255 : MAGMA[below][channel] + (place - below) * (MAGMA[below + 1][channel] - MAGMA[below][channel]);
});

const toMel = (hz) => 2595 * Math.log10(1 + hz / 700);
const toHz = (mel) => 700 * (10 ** (mel / 2595) - 1);

// Returns the pixel of `image` at a place, coloured by a level of 0 to 255.
function paint(image, row, column, level) {
  image.data.set(COLOURS.subarray(level * 4, level * 4 + 4), (row * image.width + column) * 4);
}

// Returns which bin of a spectrum each row shows, from the top down, and null where the spectrum has none.
function binsOfRows(rows, hzOfBin, bins) {
  return Array.from({ length: rows }, (_, row) => {
    const bin = Math.round(toHz((toMel(HIGHEST_HZ) * (rows - row - 0.5)) / rows) / hzOfBin);
    return bin < bins ? bin : null;
  });
}

// Draws a whole recording: `levels` are bytes, row by row from 0 Hz on, base64.
export function drawSpectrogram(canvas, { rows, columns, highest_hz, levels }) {
  const bytes = Uint8Array.from(atob(levels), (letter) => letter.charCodeAt(0));
  canvas.width = columns;
  const image = new ImageData(columns, canvas.height);
  binsOfRows(canvas.height, highest_hz / (rows - 1), rows).forEach((bin, row) => {
    for (let column = 0; column < columns; column++) {
      paint(image, row, column, bin === null ? 0 : bytes[bin * columns + column]);
    }
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Lets a microphone's spectrum flow from right to left, and returns a function that stops it.
export function flow(canvas, analyser, tellLevel) {
  canvas.width = 420;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const levels = new Uint8Array(analyser.frequencyBinCount);
  const waveform = new Float32Array(analyser.fftSize);
  const bins = binsOfRows(canvas.height, analyser.context.sampleRate / analyser.fftSize, levels.length);
  const column = new ImageData(1, canvas.height);
  context.fillStyle = "rgb(0 0 4)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  let frame = requestAnimationFrame(function draw() {
    analyser.getByteFrequencyData(levels);
    analyser.getFloatTimeDomainData(waveform);
    bins.forEach((bin, row) => paint(column, row, 0, bin === null ? 0 : levels[bin]));
    context.drawImage(canvas, -1, 0);
    context.putImageData(column, canvas.width - 1, 0);
    tellLevel(Math.sqrt(waveform.reduce((sum, sample) => sum + sample * sample, 0) / waveform.length));
    frame = requestAnimationFrame(draw);
  });
  return () => cancelAnimationFrame(frame);
}
