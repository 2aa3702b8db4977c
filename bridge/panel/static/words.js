// Every word of the page in every language that it speaks. Rows are called as the parameter table calls them.

import { memory, Signal } from "./dom.js";
import { inKorean } from "./sentences.js";

export const LANGUAGES = ["en", "ko"];

// key: [English, Korean]
export const WORDS = {
  title: ["Sideman", "사이드맨"],
  auto: ["auto", "자동"],
  none: ["none", "없음"],
  play: ["Play", "연주"],
  stop: ["Stop", "멈춤"],
  panic: ["Panic", "모든 음 끄기"],
  ending: ["Ending", "끝맺기"],
  tempo: ["Tempo", "템포"],
  bpm: ["bpm", "bpm"],
  tap: ["Tap", "탭"],
  metre: ["Metre", "박자"],
  mode: ["Mode", "모드"],
  theme: ["Theme", "테마"],
  "theme.auto": ["system", "시스템"],
  "theme.light": ["light", "밝게"],
  "theme.dark": ["dark", "어둡게"],
  language: ["Language", "언어"],
  piano: ["Piano", "피아노"],
  "piano.on": ["Sound", "소리"],
  "piano.yours": ["Your keys too", "내 건반도"],
  "piano.volume": ["Volume", "음량"],
  "piano.pedal": ["Pedal", "페달"],
  "piano.typing": ["Play with the computer's keys", "컴퓨터 자판으로 연주"],
  "piano.midi": ["MIDI keyboard", "MIDI 건반"],
  "piano.keyboard": ["Piano keyboard", "피아노 건반"],
  "midi.none": ["no MIDI in this browser", "이 브라우저에는 MIDI 없음"],
  "midi.refused": ["the browser refused MIDI", "브라우저가 MIDI를 거부함"],
  "midi.heard": ["hears {0}", "{0} 듣는 중"],
  roll: ["What sounded, what sounds, and what is planned", "지난 음, 지금 음, 앞으로의 음"],
  "roll.sideman": ["sideman", "사이드맨"],
  "roll.planned": ["planned", "예정"],
  "roll.you": ["you", "나"],
  chart: ["Chart", "코드 차트"],
  "chart.none": ["No chart yet. Hold a chord to be followed, or take a chart from the library.",
    "아직 차트가 없습니다. 코드를 눌러 보거나 목록에서 차트를 고르세요."],
  "chart.edit": ["Edit", "고치기"],
  "chart.write": ["Write", "쓰기"],
  "chart.done": ["Play it", "연주하기"],
  "chart.cancel": ["Cancel", "취소"],
  "chart.library": ["Library", "목록"],
  "chart.text": ["Chords, bar by bar", "마디별 코드"],
  "chart.up": ["Up a semitone", "반음 올림"],
  "chart.down": ["Down a semitone", "반음 내림"],
  "chart.bars": ["{1} · {0} bars", "{1} · {0}마디"],
  "chart.jump": ["Bar {0}, {1}: go there", "{0}마디 {1}: 여기로 이동"],
  "chart.long": ["{0} characters are too many, {1} are taken: write repeats as |: :|", "{0}자는 너무 깁니다. {1}자까지 됩니다. 되풀이는 |: :|로 쓰세요"],
  "chart.sound": ["{0}: play over it", "{0}: 이 코드로 연주"],
  "bars.pick": ["Bar {0}", "마디 {0}"],
  "bars.kept": ["Bar {0}, kept", "마디 {0}, 간직함"],
  "bars.variation": ["Bar {0}, variation {1}", "마디 {0}, 변주 {1}"],
  "bars.help": ["Select this bar; with Shift all from the last one selected", "이 마디 고르기; Shift를 누르면 마지막에 고른 마디부터"],
  "bars.tools": ["These bars", "이 마디들"],
  "bars.keep": ["Keep", "간직"],
  "bars.keep.help": ["The selected bars, or all, come back as they were heard", "고른 마디(없으면 전체)를 들은 그대로 되풀이"],
  "bars.again": ["Again", "다시"],
  "bars.again.help": ["The selected bars, or all, are played anew", "고른 마디(없으면 전체)를 새로 연주"],
  "bars.undo": ["Undo", "되돌리기"],
  "bars.undo.help": ["Take back the last keep, again or variation", "마지막 간직, 다시, 변주를 되돌리기"],
  variations: ["Variations", "변주"],
  "variations.one": ["Variation {0}", "변주 {0}"],
  "variations.help": ["How the selected bars, or all, are played: key 1 to 4; with Shift heard at once. 1 is what was heard; the same number again makes another one",
    "고른 마디(없으면 전체)의 연주를 고르기: 1~4 키, Shift와 함께 누르면 바로 듣기. 1은 들은 그대로, 같은 번호를 다시 누르면 새로 만들기"],
  "variations.hear": ["Hear", "듣기"],
  "variations.hear.help": ["Go to a beat before the selected bars", "고른 마디 한 박 앞으로 이동"],
  density: ["Draw density", "밀도 그리기"],
  "density.help": ["Draw over the bars how dense each is to be; a double click leaves a bar to the knob", "마디 위에 밀도를 그리세요. 두 번 누르면 그 마디는 노브를 따릅니다"],
  "density.clear": ["Clear", "지우기"],
  "density.clear.help": ["All bars follow the knob again", "모든 마디가 다시 노브를 따름"],
  "density.bar": ["Density of bar {0}", "마디 {0}의 밀도"],
  banks: ["Banks", "뱅크"],
  "banks.store": ["Store", "담기"],
  "banks.store.help": ["Then choose the bank that what plays now goes into", "그다음 지금 연주를 담을 뱅크를 고르세요"],
  "banks.recall": ["Bank {0}: go on from it at the next bar", "뱅크 {0}: 다음 마디부터 이어서"],
  "banks.into": ["Bank {0}: store what plays now", "뱅크 {0}: 지금 연주를 담기"],
  "banks.empty": ["Bank {0}: empty", "뱅크 {0}: 비어 있음"],
  "take.last": ["Last {0} bars as MIDI", "최근 {0}마디 MIDI"],
  "take.bars": ["How many bars", "몇 마디"],
  "take.help": ["Drag it into your DAW, or click to keep the file", "DAW로 끌어 놓거나 눌러서 저장하세요"],
  "group.ask": ["Ask for", "요청"],
  "group.draw": ["Imagination", "상상력"],
  "group.feel": ["Touch and time", "터치와 시간"],
  "group.range": ["Range", "범위"],
  "group.more": ["More", "기타"],
  health: ["Health", "상태"],
  "health.chord": ["chord to note", "코드 응답"],
  "health.late": ["sent late, p99", "전송 지연 p99"],
  "health.ready": ["ready ahead", "미리 준비"],
  "health.load": ["engine's load", "엔진 부하"],
  "health.seed": ["seed", "시드"],
  "health.needs": ["look-ahead needed", "필요한 미리 보기"],
  "health.ports": ["ports", "포트"],
  "health.ahead.short": ["This machine needs a look-ahead of {0} ms: turn it up from {1} ms", "이 컴퓨터에는 {0} ms의 미리 보기가 필요합니다. {1} ms에서 올리세요"],
  "ports.are": ["{0}: in {1}, out {2}, control {3}", "{0}: 입력 {1}, 출력 {2}, 제어 {3}"],
  "ports.none": ["none", "없음"],
  "health.sent": ["notes sent", "보낸 음"],
  "health.said": ["What it said", "엔진의 말"],
  "health.nothing": ["nothing yet", "아직 없음"],
  "link.off": ["the engine is away: the page comes back with it", "엔진이 없습니다. 돌아오면 자동으로 다시 연결됩니다."],
  "news.begin": ["Turn the sound on and hold a chord: on the piano, with the keys A to ', or by MIDI.",
    "소리를 켜고 코드를 눌러 보세요. 아래 건반, 자판의 A부터 '까지, MIDI 모두 됩니다."],
  "said.chord": ["follows {0}", "{0} 따라가는 중"],
  "said.rest": ["rests", "쉬는 중"],
  "said.playing": ["plays: {0}", "연주 중: {0}"],
  "said.bars": ["plays {0} bars at {1} bpm", "{1} bpm으로 {0}마디 연주 중"],
  "said.listening": ["listens {0}", "듣는 중 {0}"],
  "log.chord": ["chord", "코드"],
  "log.rest": ["rest", "쉼"],
  "log.count-in": ["count-in", "예비 박"],
  "log.playing": ["playing", "연주"],
  "log.listening": ["listening", "듣기"],
  "log.feel": ["feel", "느낌"],
  "log.metre": ["metre", "박자"],
  "log.note": ["note", "알림"],
  "log.error": ["error", "오류"],
  "log.ports": ["ports", "포트"],
  "log.stored": ["stored", "담음"],
  "log.recalled": ["recalled", "불러옴"],
  "log.captured": ["captured", "저장됨"],
  "log.controllers": ["controllers", "컨트롤러"],
  "log.plug-in": ["plug-in", "플러그인"],
  "unit.MIDI note": ["", ""],
  "unit.notes": ["notes", "음"],
  "unit.semitones": ["semitones", "반음"],
  "unit.ms": ["ms", "ms"],
  "unit.x": ["×", "×"],
};

// row of the parameter table: [English, Korean, what it does in Korean]; what it does in English the engine tells
export const ROWS = {
  temperature: ["Temperature", "온도", "높을수록 대담한 음, 낮을수록 안전한 음을 연주합니다."],
  top_p: ["Top-p", "상위 확률", "합쳐서 이 확률이 되는 가장 그럴듯한 토큰에서 뽑습니다."],
  top_k: ["Top-k", "상위 개수", "가장 그럴듯한 이만큼의 토큰에서 뽑습니다. 0은 끔."],
  min_p: ["Min-p", "최소 확률", "가장 그럴듯한 토큰의 이 비율보다 낮은 것은 버립니다."],
  density: ["Density", "밀도", "음을 얼마나 많이 연주하는지."],
  loudness: ["Loudness", "세기", "얼마나 여리게 또는 세게 연주하는지."],
  register: ["Register", "음역", "건반의 낮은 곳부터 높은 곳까지 어디서 연주하는지."],
  thickness: ["Thickness", "두께", "한 선율부터 꽉 찬 화음까지 몇 음이 함께 울리는지."],
  bass: ["Bass", "저음", "A3 아래를 얼마나 연주하는지."],
  register_low: ["Lowest note", "최저음", "연주할 수 있는 가장 낮은 음."],
  register_high: ["Highest note", "최고음", "연주할 수 있는 가장 높은 음."],
  polyphony: ["Polyphony", "동시 발음", "동시에 울릴 수 있는 음의 최대 수."],
  keep_clear: ["Keep clear", "건반 비켜가기", "연주자의 건반에서 이만큼 떨어집니다. 0은 끔."],
  chord_strength: ["Chord strength", "코드 따르기", "코드가 솔로를 얼마나 강하게 이끄는지. 0은 무시."],
  velocity: ["Velocity", "벨로시티", "모든 음의 세기에 곱합니다."],
  quantise: ["Quantise", "퀀타이즈", "음의 시작을 박에 맞춥니다. 0은 그대로, 1은 정확히."],
  swing: ["Swing", "스윙", "뒷박 8분음표의 자리. 0.5는 스트레이트."],
  humanise: ["Humanise", "사람처럼", "시간과 세기를 조금씩 흔듭니다."],
  look_ahead_ms: ["Look-ahead", "미리 보기", "소리보다 얼마나 앞서 음악을 준비하는지."],
  style: ["Style", "스타일", "스타일 이름, 또는 섞을 두 개: `ragtime, klezmer`."],
  style_blend: ["Style blend", "스타일 섞기", "첫 스타일(0)에서 둘째 스타일 또는 없음(1)까지."],
  repetition: ["Repetition", "반복 억제", "최근에 들린 음을 피합니다. 1은 끔."],
  theme: ["Theme", "테마", "다시 오는 부분을 처음과 얼마나 닮게 연주할지. 0은 새로, 1은 테마가 돌아옴."],
  scale: ["Scale", "음계", "`D dorian` 같은 한 음계 안에서만 연주합니다."],
  role: ["Role", "역할", "무엇을 연주하는지: 솔로, 한 손, 화음, 또는 전체 반주."],
  groove: ["Groove", "그루브", "연주의 느낌."],
  left_hand: ["Left hand", "왼손", "왼손이 화음을 짚고 움직이는 방식."],
  manner: ["Manner", "방식", "어떤 음악을 닮았는지."],
  mode: ["Mode", "모드", "사이드맨이 당신의 연주로 무엇을 하는지."],
};

// row: choice: Korean; in English a choice is called what it is
export const CHOICES = {
  role: { solo: "솔로", right: "오른손", left: "왼손", comping: "컴핑", accompany: "반주" },
  groove: {
    swing: "스윙", up: "빠른 스윙", blues: "블루스", stride: "스트라이드", modal: "모달", ballad: "발라드", waltz: "왈츠",
    bossa: "보사노바", pop: "팝", soul: "소울",
  },
  left_hand: {
    rootless: "근음 없이", shell: "셸", three: "세 음", fourths: "4도 쌓기", close: "밀집", walk: "워킹 베이스",
    two: "두 박 베이스", stride: "스트라이드", arpeggios: "아르페지오", open: "열린 화음", bossa: "보사노바", pop: "팝",
  },
  manner: { jazz: "재즈", pop: "팝", classical: "클래식", score: "악보", rolls: "피아노 롤", lead: "리드 시트" },
  mode: { follow: "따라가기", changes: "차트 연주", trade: "주고받기", continue: "이어가기", comp: "반주하기" },
};

class Language {
  changed = new Signal();
  #spoken = LANGUAGES.includes(memory.get("language")) ? memory.get("language") : navigator.language?.startsWith("ko") ? "ko" : "en";

  get spoken() {
    return this.#spoken;
  }

  speak(language) {
    this.#spoken = language;
    memory.set("language", language);
    this.changed.tell();
  }

  /** Runs show() now and whenever the language changes. */
  bind(show) {
    show();
    this.changed.listen(show);
  }
}

export const language = new Language();

/** The word for a key; {0}, {1} stand for what is given. */
export function t(key, ...given) {
  const words = WORDS[key];
  if (!words) return key;
  const word = words[LANGUAGES.indexOf(language.spoken)] ?? words[0] ?? "";
  return word.replace(/\{(\d)\}/g, (_, index) => given[index] ?? "");
}

/** What the engine says, in the language that is spoken. */
export function sentence(text) {
  return language.spoken === "ko" ? inKorean(text) : text;
}

/** The row's name; a row that the table of words does not know is called as the parameter table calls it. */
export function name(row) {
  const own = ROWS[row.name];
  if (own) return own[LANGUAGES.indexOf(language.spoken)];
  const plain = row.name.replaceAll("_", " ");
  return plain[0].toUpperCase() + plain.slice(1);
}

export function helpOf(row) {
  return (language.spoken === "ko" && ROWS[row.name]?.[2]) || row.help;
}

export function choiceOf(row, choice) {
  if (choice === "auto") return t("auto");
  return (language.spoken === "ko" && CHOICES[row.name]?.[choice]) || choice;
}

/** Fills every element with data-word, data-title or data-label under a node, and again with each language. */
export function fill(root) {
  const attributes = { word: "textContent", title: "title", label: "aria-label" };
  language.bind(() => {
    for (const [data, property] of Object.entries(attributes)) {
      for (const node of root.querySelectorAll(`[data-${data}]`)) {
        if (property.includes("-")) node.setAttribute(property, t(node.dataset[data]));
        else node[property] = t(node.dataset[data]);
      }
    }
  });
}
