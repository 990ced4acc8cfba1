// What the page shows: words, bars, the timeline, and what a screen reader says.

const WORDS = {
  silence: "There is no sound in it",
  "no speech": "There is sound, but nobody speaks",
  "too short": "That is too short to judge: speak for a second or more",
};
const ACTIONS = { idle: "Speak", asking: "Speak", listening: "Stop", sending: "Speak", answered: "Speak again", error: "Try again" };
const LONG_ENOUGH_FOR_A_WORD = 0.09; // of the timeline

const byId = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(share * 100)} %`;
const capital = (word) => word[0].toUpperCase() + word.slice(1);
const rows = new Map();

export const spell = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export function showBars(emotions) {
  for (const emotion of emotions) {
    const row = document.createElement("li");
    row.className = emotion;
    row.innerHTML = `<span></span><div class="track" role="meter" aria-valuemin="0" aria-valuemax="100"><div class="fill"></div></div><span class="share"></span>`;
    row.firstChild.textContent = capital(emotion);
    row.children[1].setAttribute("aria-label", emotion);
    byId("bars").append(row);
    rows.set(emotion, row);
  }
  moveBars({});
}

// Moves on: the words are read out, and what was shown of another recording goes away.
export function showState(state, title, detail, source = "") {
  const goesOn = state === "answered" || (state === "sending" && document.body.dataset.state === "listening");
  if (!goesOn) forget();
  document.body.dataset.state = state;
  document.body.style.setProperty("--now", "var(--none)");
  write(title, detail);
  byId("source").textContent = source;
  byId(state === "error" ? "alert" : "status").textContent = [title, detail, source].filter(Boolean).join(". ");
  byId("action").textContent = ACTIONS[state];
  // Not `disabled`, which would take the keyboard's focus away.
  byId("microphone").setAttribute("aria-disabled", state === "asking" || state === "sending");
  byId("file").setAttribute("aria-disabled", ["asking", "sending", "listening"].includes(state));
  byId("microphone").setAttribute("aria-pressed", state === "listening");
  byId("progress").removeAttribute("value");
}

function forget() {
  const spectrogram = byId("spectrogram");
  spectrogram.getContext("2d").clearRect(0, 0, spectrogram.width, spectrogram.height);
  spectrogram.setAttribute("aria-label", "Spectrogram: nothing to be seen yet");
  byId("timeline").hidden = true;
  byId("ticks").replaceChildren();
  moveBars({});
}

export function showProblem(text) {
  showState("error", "That did not work", text);
}

// While somebody speaks, only the eye is told: a screen reader would never stop.
export function showLive(answer) {
  if (document.body.dataset.state !== "listening") return;
  moveBars(answer.probabilities, answer.emotion);
  colour(answer.emotion);
  if (WORDS[answer.emotion]) write("Listening", answer.emotion === "too short" ? "Go on …" : "Nobody speaks at the moment.");
  else write(...described(answer));
}

export function showAnswer(answer, kind) {
  const [title, detail] = WORDS[answer.emotion] ? [answer.emotion, WORDS[answer.emotion]] : described(answer);
  const source = kind === "file" ? answer.name : "What you said";
  showState("answered", title, detail, `${source}, ${length(answer.duration_s)}`);
  moveBars(answer.probabilities, answer.emotion);
  colour(answer.emotion);
  showTimeline(answer);
  const levels = "louder is brighter, from 0 to 8 kHz";
  byId("spectrogram").setAttribute("aria-label", `Spectrogram of ${source}, ${length(answer.duration_s)}: ${levels}`);
}

function described({ emotion, confidence, probabilities }) {
  if (emotion !== "uncertain") return [emotion, `${percent(confidence)} sure`];
  const [first, second] = Object.entries(probabilities).sort((one, other) => other[1] - one[1]);
  return ["uncertain", `Perhaps ${first[0]} (${percent(first[1])}), perhaps ${second[0]} (${percent(second[1])})`];
}

function showTimeline({ segments, duration_s }) {
  byId("timeline").hidden = !segments.length;
  byId("timeline").replaceChildren(...segments.map((segment) => {
    const share = (segment.end_s - segment.start_s) / segments.at(-1).end_s;
    const item = document.createElement("li");
    const sure = segment.confidence === null ? "" : `, ${percent(segment.confidence)} sure`;
    item.className = rows.has(segment.emotion) || segment.emotion === "uncertain" ? segment.emotion : "none";
    item.classList.toggle("narrow", share < LONG_ENOUGH_FOR_A_WORD);
    item.textContent = segment.emotion;
    item.title = `${spell(segment.start_s)} to ${spell(segment.end_s)}: ${segment.emotion}${sure}`;
    item.ariaLabel = item.title;
    item.style.width = `${share * 100}%`;
    return item;
  }));
  const ticks = duration_s < 4 ? 2 : 5;
  byId("ticks").replaceChildren(...Array.from({ length: ticks }, (_, tick) => {
    const item = document.createElement("li");
    const seconds = (duration_s * tick) / (ticks - 1);
    item.textContent = duration_s < 20 ? `${seconds.toFixed(1)} s` : spell(seconds);
    return item;
  }));
}

function moveBars(probabilities, likeliest) {
  for (const [emotion, row] of rows) {
    const share = probabilities[emotion] ?? 0;
    row.classList.toggle("likeliest", emotion === likeliest);
    row.style.setProperty("--share", share);
    row.children[1].setAttribute("aria-valuenow", Math.round(share * 100));
    row.lastChild.textContent = emotion in probabilities && probabilities[emotion] !== null ? percent(share) : "";
  }
}

function colour(emotion) {
  const name = rows.has(emotion) || emotion === "uncertain" ? emotion : "none";
  document.body.style.setProperty("--now", `var(--${name})`);
}

function length(seconds) {
  return seconds < 60 ? `${seconds.toFixed(1)} seconds` : `${spell(seconds)} minutes`;
}

function write(title, detail) {
  byId("emotion").textContent = title;
  byId("detail").textContent = detail;
}
