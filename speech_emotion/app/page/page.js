// The page: what a visitor does, and what the program answers.

import { openMicrophone } from "./microphone.js";
import { drawSpectrogram, flow } from "./spectrogram.js";
import { showAnswer, showBars, showLive, showProblem, showState, spell } from "./view.js";

const SLICE_BYTES = 256 * 1024;
const WAITING_BYTES = 4 * 1024 * 1024;

const byId = (id) => document.getElementById(id);
const canvas = byId("spectrogram");
const local = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
const settings = await fetch("settings").then((response) => response.json());
let visit = null; // while something is recorded or answered

showBars(settings.emotions);
byId("privacy").textContent = local
  ? "Sound stays on this computer: nothing is sent anywhere, and nothing is kept."
  : `Sound goes to ${location.hostname} alone, and is deleted there with the answer.`;
byId("microphone").addEventListener("click", () => (visit ? visit.stop?.() : speak()));
byId("file").addEventListener("click", (event) => visit && event.preventDefault());
byId("file").addEventListener("change", ({ target }) => {
  if (target.files.length) send(target.files[0]);
  target.value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.toggleAttribute("data-drop", !visit);
});
addEventListener("dragleave", () => document.body.removeAttribute("data-drop"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.removeAttribute("data-drop");
  if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
});

async function speak() {
  if (visit) return;
  const mine = (visit = {});
  let quiet = () => {};
  try {
    showState("asking", "One moment", "Your browser asks whether this page may hear you.");
    let socket = null;
    const waiting = [];
    const microphone = await openMicrophone((samples) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(samples);
      else if (!socket) waiting.push(samples);
    });
    quiet = microphone.stop;
    socket = await open({ kind: "microphone", sample_rate: microphone.rate });
    waiting.forEach((samples) => socket.send(samples));
    showState("listening", "Listening", "Speak as you feel, or as you would like to sound.");
    const stopDrawing = flow(canvas, microphone.analyser, (level) => {
      document.body.style.setProperty("--level", Math.min(1, level * 6).toFixed(2));
    });
    const stopClock = runClock();
    await new Promise((resolve) => {
      mine.stop = resolve;
      socket.addEventListener("close", resolve);
      setTimeout(resolve, settings.microphone_s * 1000);
    });
    mine.stop = null;
    stopDrawing();
    stopClock();
    await microphone.stop();
    document.body.style.setProperty("--level", 0);
    if (!mine.ended) showState("sending", "Thinking", "About all that you said.");
    if (socket.readyState === WebSocket.OPEN) socket.send("end");
    await socket.ended;
  } catch (error) {
    showProblem(error.message);
  } finally {
    await quiet();
    visit = null;
  }
}

async function send(file) {
  if (visit) return;
  visit = {};
  try {
    if (file.size > settings.file_bytes) {
      throw new Error(`${file.name} has more than ${settings.file_bytes / 1e6} MB. Cut it, or take MP3 or Ogg.`);
    }
    showState("sending", "Listening", file.name);
    const socket = await open({ kind: "file", name: file.name });
    for (let start = 0; start < file.size && socket.readyState === WebSocket.OPEN; start += SLICE_BYTES) {
      socket.send(await file.slice(start, start + SLICE_BYTES).arrayBuffer());
      while (socket.bufferedAmount > WAITING_BYTES) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (socket.readyState === WebSocket.OPEN) socket.send("end");
    await socket.ended;
  } catch (error) {
    showProblem(error.message);
  } finally {
    visit = null;
  }
}

// Returns an open socket that has made `request`; its `ended` waits for the answer, and throws where there is none.
async function open(request) {
  const socket = new WebSocket(new URL("listen", location.href.replace(/^http/, "ws")));
  socket.ended = new Promise((resolve, reject) => {
    socket.addEventListener("message", ({ data }) => {
      const { kind, ...content } = JSON.parse(data);
      if (kind === "live") showLive(content);
      if (kind === "progress") byId("progress").value = content.share;
      if (kind === "error") reject(new Error(content.text));
      if (kind === "answer") {
        drawSpectrogram(canvas, content.spectrogram);
        showAnswer(content, request.kind);
        resolve();
      }
      if (kind === "answer" || kind === "error") {
        if (visit) visit.ended = true;
        socket.close();
      }
    });
    socket.addEventListener("close", () => reject(new Error("The program behind this page does not answer. Is it still running?")));
  });
  socket.ended.catch(() => {}); // it is awaited later
  await new Promise((resolve) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("close", resolve);
  });
  if (socket.readyState !== WebSocket.OPEN) await socket.ended;
  socket.send(JSON.stringify(request));
  return socket;
}

function runClock() {
  const start = performance.now();
  const show = () => (byId("clock").textContent = spell((performance.now() - start) / 1000));
  const timer = setInterval(show, 250);
  show();
  return () => {
    clearInterval(timer);
    byId("clock").textContent = "";
  };
}
