// What the engine says, in Korean: its sentences come in English, as its terminal has them, and are recognised here.

// [English, Korean]; {0}, {1} stand for what differs, which is looked up here itself: bars, a sentence within a sentence.
export const SENTENCES = [
  // the chart goes round
  ["{0} kept", "{0} 간직함"],
  ["nothing kept", "간직한 것 없음"],
  ["{0} again", "{0} 다시 연주"],
  ["{0}: variation {1}, {2} made where it comes", "{0}: 변주 {1}, {2}은 다음에 올 때 새로 만듦"],
  ["{0}: variation {1}, {2} made where they come", "{0}: 변주 {1}, {2}은 다음에 올 때 새로 만듦"],
  ["{0}: variation {1}", "{0}: 변주 {1}"],
  ["{0}: density auto", "{0}: 밀도는 노브대로"],
  ["{0}: density {1}", "{0}: 밀도 {1}"],
  ["there is nothing to keep yet: let a bar go by from its beginning to its end", "아직 간직할 것이 없습니다. 한 마디가 처음부터 끝까지 지나가게 하세요"],
  ["{0} cannot be kept: not heard yet, or heard too long ago; let it come round", "{0}은 간직할 수 없습니다. 아직 듣지 못했거나 너무 오래되었습니다. 한 바퀴 돌아오게 하세요"],
  ["nothing of that is kept: every round of it is new; /sideman/keep keeps what was heard", "간직한 마디가 아닙니다. 매번 새로 연주됩니다. 간직을 누르면 들은 것이 남습니다"],
  ["there is nothing to undo: no bars were kept, asked for again or chosen", "되돌릴 것이 없습니다. 간직하거나 다시 청하거나 고른 마디가 없습니다"],
  ["{0} cannot be had: the chart ends with bar {1}", "{0}은 없습니다. 차트는 {1}마디에서 끝납니다"],
  ["{0} names no bars: write 5-8, or 1-4 7, counting from 1, or nothing for all", "{0}은 마디가 아닙니다. 5-8이나 1-4 7처럼 1부터 세어 쓰거나, 전체는 비워 두세요"],
  ["{0} is no density: write 5-8 0.9, or 5-8 {1} to leave it to the knob", "{0}은 밀도가 아닙니다. 5-8 0.9처럼 쓰거나, 노브를 따르려면 5-8 {1}라고 쓰세요"],
  ["{0} is no variation: write 1 to {1}, and of which bars: 2 5-8", "{0}은 변주가 아닙니다. 1부터 {1}까지의 번호와 마디를 쓰세요: 2 5-8"],
  ["nothing goes round whose bars could be kept: send /sideman/chords, or mode changes or comp", "돌아오는 차트가 없습니다. 차트를 주거나 차트 연주 또는 반주하기 모드로 바꾸세요"],
  ["bank {0} is empty (filled: {1}): /sideman/bank/store {2} fills it", "뱅크 {0}은 비어 있습니다(채워진 것: {1}). 담기를 누르고 {2}을 고르면 채워집니다"],
  ["going home: the last chord comes at the end of {0}", "끝맺는 중: {0}의 끝에 마지막 화음이 옵니다"],
  ["nothing plays that could come home", "끝맺을 연주가 없습니다"],
  ["the ending is off: the music fell silent on the way", "끝맺음을 그만둡니다. 가는 길에 연주가 멎었습니다"],
  ["bank {0} was not stored: send /sideman/bank/store {1} again", "뱅크 {0}에 담기지 않았습니다. {1}에 다시 담으세요"],
  ["{0} waits for mode follow: {1} follows none", "{0}은 follow 모드를 기다립니다. {1} 모드는 코드를 따라가지 않습니다"],
  ["the host's metre is not taken up: {0}", "호스트의 박자는 받아들이지 않습니다: {0}"],
  // chart, clock and mode
  ["the chart waits for a MIDI clock and its start", "차트가 MIDI 클록과 시작 신호를 기다립니다"],
  ["the clock ticks at {0} bpm and has not been started: start it there, or send /sideman/play on a first beat", "클록이 {0} bpm으로 가지만 시작되지 않았습니다. 거기서 시작하거나 첫 박에 연주를 누르세요"],
  ["mode {0} needs a chord chart: give --chords or send /sideman/chords first", "모드 {0}에는 코드 차트가 필요합니다. 먼저 차트를 주세요"],
  ["a position needs a chart to be in: send /sideman/chords first", "위치를 옮기려면 차트가 필요합니다. 먼저 차트를 주세요"],
  ["quantise and swing wait for a beat: set a tempo", "퀀타이즈와 스윙은 박을 기다립니다. 템포를 정하세요"],
  ["{0}, tempo counts {1}", "{0}, 템포의 한 박은 {1}"],
  ["on from your phrase", "당신의 프레이즈를 이어서"],
  ["{0} at {1} bpm", "{1} bpm으로 {0}"],
  // trouble
  ["{0}: every note ended, the music goes on from now", "{0}: 모든 음을 끄고 지금부터 이어 갑니다"],
  ["{0} s were lost", "{0}초를 잃었습니다"],
  ["the session failed, every note ended, it starts afresh: {0}: {1}", "세션이 실패하여 모든 음을 끄고 새로 시작합니다: {0}: {1}"],
  ["the session hangs, every note ended: the decoder or the disk takes over a second", "세션이 멈춰 모든 음을 껐습니다. 디코더나 디스크가 1초 넘게 걸립니다"],
  ["the JACK server went away ({0}), every note has ended: start it, the ports come back", "JACK 서버가 사라져({0}) 모든 음을 껐습니다. 다시 켜면 포트가 돌아옵니다"],
  ["the JACK server is back, and so are the ports: connect them again", "JACK 서버와 포트가 돌아왔습니다. 다시 연결하세요"],
  ["the port {0} has gone: plug it in again", "포트 {0}이 사라졌습니다. 다시 꽂으세요"],
  ["one of several ports of one name has gone, and it may be {0}: plug it in again", "같은 이름의 포트 가운데 하나가 사라졌고 {0}일 수 있습니다. 다시 꽂으세요"],
  ["the port {0} is back", "포트 {0}이 돌아왔습니다"],
  ["the panel failed and begins anew: {0}: {1}", "패널이 실패하여 새로 시작합니다: {0}: {1}"],
  ["the panel fell far behind: what was played meanwhile is missing in it", "패널이 크게 뒤처져 그동안의 연주가 빠져 있습니다"],
  ["the controllers stay as they were: {0}", "컨트롤러 설정은 그대로입니다: {0}"],
  ["{0} knobs and {1} buttons, read anew", "노브 {0}개와 버튼 {1}개를 다시 읽음"],
  ["a knob of the control port: {0}: {1}: it is left out", "제어 포트의 노브: {0}: {1}: 건너뜁니다"],
  ["{0}: no MIDI file can be written there ({1}): give --captures DIR", "{0}: 그곳에 MIDI 파일을 쓸 수 없습니다({1}). --captures DIR을 주세요"],
  ["{0}; until then you play and hear in the page alone", "{0}. 그때까지는 이 페이지에서만 연주하고 듣습니다"],
  ["no MIDI system: there is no ALSA sequencer and no JACK server{0} runs: `modprobe snd-seq`, or start jackd", "MIDI 시스템이 없습니다. ALSA 시퀀서도 JACK 서버{0}도 없습니다. `modprobe snd-seq`를 실행하거나 jackd를 켜세요"],
  ["no MIDI system: there is no ALSA sequencer and no JACK server runs: `modprobe snd-seq`, or start jackd", "MIDI 시스템이 없습니다. ALSA 시퀀서도 JACK 서버도 없습니다. `modprobe snd-seq`를 실행하거나 jackd를 켜세요"],
  ["OSC is open to the network: whoever reaches this machine can turn the knobs and read them", "OSC가 네트워크에 열려 있습니다. 이 컴퓨터에 닿는 누구나 노브를 돌리고 읽을 수 있습니다"],
  // values
  ["{0} lies outside {1}", "{0}: {1} 밖입니다"],
  ["{0} takes at most {1} characters, not {2}", "{0}에는 최대 {1}자까지 쓸 수 있습니다({2}자)"],
  ["{0} takes one line of printable text, not {1}", "{0}에는 한 줄의 글만 쓸 수 있습니다: {1}"],
  ["{0} takes {1}, not {2}: did you mean {3}?", "{0}에는 {1}만 쓸 수 있습니다. {2} 대신 {3}인가요?"],
  ["{0} takes {1}, not {2}", "{0}에는 {1}만 쓸 수 있습니다: {2}"],
  ["{0}: this base was not trained to be asked that: leave {1} at {2}, or take the shipped base", "{0}: 이 모델은 그것을 배우지 않았습니다. {1}을 {2}로 두거나 기본 모델을 쓰세요"],
  ["scale {0}: unknown scale {1}: did you mean {2}? Known: {3}", "음계 {0}: {1}은 모르는 음계입니다. {2}인가요? 아는 음계: {3}"],
  ["scale {0}: {1} is no root: write a note and a scale, such as `D dorian`, or off", "음계 {0}: {1}은 으뜸음이 아닙니다. `D dorian`처럼 음과 음계를 쓰거나 off라고 쓰세요"],
  ["no style {0}: {1}; sideman styles add FOLDER takes in another", "{0}이라는 스타일이 없습니다: {1}; sideman styles add FOLDER로 더할 수 있습니다"],
  ["{0} styles: name one, or two to blend with style_blend", "스타일 {0}개: 하나, 또는 섞을 두 개를 쓰세요"],
  ["there is no parameter {0}", "{0}이라는 파라미터는 없습니다"],
  ["there is no command {0}", "{0}이라는 명령은 없습니다"],
  // chords and charts, read while one types
  ["bar {0}, line {1}, column {2}: {3}", "{0}마디, {1}줄 {2}번째 글자: {3}"],
  ["bar {0}, column {1}: {2}", "{0}마디, {1}번째 글자: {2}"],
  ["column {0}: {1}", "{0}번째 글자: {1}"],
  ["{0} is no chord symbol: {1} Else an ending stands behind a bar line, as in |{2}. G7, a count is x{3}", "{0}은 코드가 아닙니다. {1} 아니면 엔딩은 |{2}. G7처럼 마디줄 뒤에, 횟수는 x{3}처럼 쓰세요"],
  ["{0} is no chord symbol: an ending stands behind a bar line, as in |{1}. G7, a count is x{2}", "{0}은 코드가 아닙니다. 엔딩은 |{1}. G7처럼 마디줄 뒤에, 횟수는 x{2}처럼 쓰세요"],
  ["{0} is no chord symbol: a section is written [{1}], a chord without signs around it", "{0}은 코드가 아닙니다. 부분은 [{1}]처럼, 코드는 둘레에 기호 없이 쓰세요"],
  ["{0} is no chord symbol: {1} Else take it out, or write it in brackets if it names a section", "{0}은 코드가 아닙니다. {1} 아니면 지우거나, 부분의 이름이면 대괄호 안에 쓰세요"],
  ["'x' is no chord symbol: write %, or x2 behind what is played twice", "'x'는 코드가 아닙니다. %를 쓰거나, 두 번 연주할 것 뒤에 x2를 쓰세요"],
  ["{0} is no chord symbol: did you mean {1}?", "{0}은 코드가 아닙니다. {1}인가요?"],
  ["{0} is no chord symbol: {1}", "{0}은 코드가 아닙니다. {1}"],
  ["{0} is B flat in German names and B in English ones, and this chart has {1}: write {2} or {3}", "{0}은 독일식으로는 B♭, 영어식으로는 B인데 이 차트에는 {1}이 있습니다. {2}나 {3}라고 쓰세요"],
  ["{0} is no metre: write it as in 3/4 or 6/8", "{0}은 박자가 아닙니다. 3/4이나 6/8처럼 쓰세요"],
  ["metre {0}: the lower number is the beat's note: use one of {1}", "박자 {0}: 아래 숫자는 박의 음표입니다. {1} 가운데 하나를 쓰세요"],
  ["{0} beats a bar lie outside {1}: give the beats of one bar", "한 마디 {0}박은 {1} 밖입니다. 한 마디의 박 수를 쓰세요"],
  ["the chord chart is empty: write chords, as in 'Dm7 | G7 | Cmaj7 | %'", "코드 차트가 비어 있습니다. 'Dm7 | G7 | Cmaj7 | %'처럼 코드를 쓰세요"],
  ["the chart is in {0}, but {1} is asked for: give one of them", "차트는 {0}인데 {1}을 청했습니다. 하나만 쓰세요"],
  ["{0} repeats {1}: write a chord", "{0}은 {1}을 되풀이합니다. 코드를 쓰세요"],
  ["an empty bar holds the chord before, but there is none: write a chord", "빈 마디는 앞 코드를 이어 가는데 앞 코드가 없습니다. 코드를 쓰세요"],
  ["{0} holds the chord before, but there is none: write a chord", "{0}은 앞 코드를 이어 가는데 앞 코드가 없습니다. 코드를 쓰세요"],
  ["{0} is a jump, which is not read: write the bars out, or as a repeat |: :| with endings 1. 2.", "{0}은 건너뛰는 표시라 읽지 않습니다. 마디를 풀어 쓰거나 |: :|와 엔딩 1. 2.로 쓰세요"],
  ["{0} is a section's name: write it in brackets, as in {1}", "{0}은 부분의 이름입니다. {1}처럼 괄호 안에 쓰세요"],
  ["{0} alone above bars may be a section: write [{1}], or | {2} |", "마디 위에 홀로 있는 {0}은 부분의 이름일 수 있습니다. [{1}]나 | {2} |라고 쓰세요"],
  ["{0} is a heading and no part of the chart: take its line out", "{0}은 머리글이라 차트에 들지 않습니다. 그 줄을 지우세요"],
  ["empty brackets: a section's name stands in them, as in [A]", "빈 괄호입니다. [A]처럼 부분의 이름을 쓰세요"],
  ["{0} in square brackets is a section's name: write the chord without them", "대괄호 안의 {0}은 부분의 이름입니다. 코드는 괄호 없이 쓰세요"],
  ["an ending whose turn never comes: write 1. and 2. behind bar lines, and :| behind the first", "차례가 오지 않는 엔딩입니다. 마디줄 뒤에 1.과 2.를, 첫 엔딩 뒤에 :|를 쓰세요"],
  ["the repeat that begins here has no end: write :| behind its last bar", "여기서 시작한 반복에 끝이 없습니다. 마지막 마디 뒤에 :|를 쓰세요"],
  ["an empty bar beside a repeat sign: write % in it, or one bar line", "반복 기호 옆의 빈 마디입니다. %를 쓰거나 마디줄을 하나만 쓰세요"],
  ["a repeat within a repeat is not read: write its bars out", "반복 안의 반복은 읽지 않습니다. 마디를 풀어 쓰세요"],
  ["a repeat ends here, but no bar stands before it: write :| behind a bar", "반복이 여기서 끝나지만 앞에 마디가 없습니다. 마디 뒤에 :|를 쓰세요"],
  ["a count stands behind the last bar of a row: write |: and :| instead", "횟수는 줄의 마지막 마디 뒤에 씁니다. 대신 |:와 :|를 쓰세요"],
  ["the metre changes to {0} where the chart has {1}: give each part its own chart", "차트는 {1}인데 박자가 {0}로 바뀝니다. 부분마다 따로 차트를 쓰세요"],
  ["x{0} lies outside {1}: write how often the bars are played", "x{0}은 {1} 밖입니다. 몇 번 연주하는지 쓰세요"],
  ["x{0} repeats the bars before it, but there are none: write it behind them", "x{0}은 앞 마디를 되풀이하는데 앞에 마디가 없습니다. 마디 뒤에 쓰세요"],
  ["a count within a repeat is not read: write its bars out", "반복 안의 횟수는 읽지 않습니다. 마디를 풀어 쓰세요"],
  ["{0} says nothing here: write chords, | and [sections]", "{0}은 여기서 아무 뜻이 없습니다. 코드와 |, [부분]을 쓰세요"],
  ["{0} beats are no whole bars of {1}: write bar lines, as in 'C . . . | F . G .'", "{0}박은 {1}의 온전한 마디가 아닙니다. 'C . . . | F . G .'처럼 마디줄을 쓰세요"],
  ["a section or a repeat begins within a bar: write bar lines", "부분이나 반복이 마디 안에서 시작합니다. 마디줄을 쓰세요"],
  // what stands within sentences
  ["bars {0}", "마디 {0}"],
  ["bar {0}", "마디 {0}"],
  ["1 bar", "1마디"],
  ["{0} bars", "{0}마디"],
  ["this round", "이번 바퀴"],
  ["did you mean {0}?", "{0}인가요?"],
  ["the bar before, but this is the first", "앞 마디, 그런데 여기가 첫 마디"],
  ["two bars that are not there", "없는 두 마디"],
];

const literal = ([english]) => english.replace(/\{\d\}/g, "").length;

// A sentence may fit a shorter row, too, whose place then takes in the rest of it: the row that says most of it is meant.
const READ = [...SENTENCES].sort((one, other) => literal(other) - literal(one)).map(([english, korean]) => {
  const places = [];
  const pattern = english.split(/(\{\d\})/).map((part) => {
    if (!/^\{\d\}$/.test(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    places.push(Number(part[1]));
    return "(.+?)";
  });
  return { pattern: new RegExp(`^${pattern.join("")}$`, "s"), places, korean };
});

/** A sentence of the engine in Korean; as it is, where it is not known. */
export function inKorean(text) {
  for (const { pattern, places, korean } of READ) {
    const found = pattern.exec(text);
    if (!found) continue;
    return korean.replace(/\{(\d)\}/g, (_, place) => inKorean(found[places.indexOf(Number(place)) + 1]));
  }
  return text;
}
