"use strict";
const WORDS = {
  en: { title: "Emotion from a voice", docs: "API documentation", choose: "Choose a file", drop: "or drop an audio file here. Nothing is kept.",
    record: "Record", stop: "Stop and judge", options: "Options", spoken: "Language spoken", threshold: "Speech threshold", chunk: "Chunk, seconds",
    key: "API key", ban: "Always name an emotion", own: "as the service is set", probabilities: "Probabilities", timeline: "Timeline",
    details: "Details", uncalibrated: "The model's own posterior. It is not calibrated: 0.9 does not mean right nine times in ten.",
    busy: "Listening …", confidence: "probability", none: "no emotion named", duration: "Duration", language: "Language heard", event: "Event",
    model: "Model", loading: "The model is not ready yet.", unreachable: "The service can't be reached.", silent: "no words recognised",
    nomic: "No microphone: the browser gives none, or leave was not given. Microphones need https or localhost.",
    demo: "This is a small demonstration model. Its answers say nothing about SenseVoice.",
    samples: "or take a sample:", recorded: "What was heard", request: "The request as curl", live: "so far", second: "s",
    problems: {}, stages: {}, dimensions: { arousal: "arousal", valence: "valence", dominance: "dominance" },
    emotions: { happy: "happy", sad: "sad", angry: "angry", neutral: "neutral", fearful: "fearful", disgusted: "disgusted", surprised: "surprised", unknown: "unknown", other: "other" } },
  zh: { title: "听声识情绪", docs: "接口文档", choose: "选择文件", drop: "或将音频文件拖到此处。服务不保存任何内容。",
    record: "录音", stop: "停止并识别", options: "选项", spoken: "所说语言", threshold: "语音检测阈值", chunk: "切片长度（秒）",
    key: "API 密钥", ban: "必须给出一种情绪", own: "使用服务的设置", probabilities: "各情绪概率", timeline: "时间线",
    details: "详情", uncalibrated: "这是模型自身的后验概率，未经校准：0.9 并不表示十次有九次正确。",
    busy: "正在识别……", confidence: "概率", none: "未给出情绪", duration: "时长", language: "识别出的语言", event: "声音事件",
    model: "模型", loading: "模型尚未就绪。", unreachable: "无法连接服务。", silent: "未识别出文字",
    nomic: "无法使用麦克风：浏览器未提供或未授权。麦克风需要 https 或 localhost。",
    demo: "这是一个小型演示模型，其结果不代表 SenseVoice 的水平。",
    samples: "或选一段样例：", recorded: "听到的录音", request: "用 curl 发出的请求", live: "目前", second: "秒",
    problems: { invalid_request: "无法读取请求", invalid_base64: "音频不是 base64", unauthorized: "需要 API 密钥", foreign_origin: "其他网站的页面不得调用此服务",
      not_found: "此路径没有内容", model_not_found: "没有提供这个模型", method_not_allowed: "此路径不接受这种方法", request_timeout: "请求没有及时到达",
      too_large: "上传的内容太大", too_long: "音频太长", unsupported_media_type: "此路径不接受这种类型", unsupported_format: "不支持这种音频格式",
      not_audio: "这些数据不是可解码的音频", truncated: "音频被截断或损坏", empty: "没有音频", too_short: "音频太短", silence: "音频里没有语音",
      unknown_language: "不认识这种语言", invalid_parameter: "参数未知、类型不对或超出范围", unsupported_parameter: "后端做不到这个参数的要求",
      rate_limited: "请求太多", headers_too_large: "请求头太大", internal: "服务内部出错", inference_failed: "模型无法回答", overloaded: "服务已满负荷",
      not_ready: "模型尚未就绪", shutting_down: "服务正在关闭", deadline_exceeded: "没有及时得到答案" },
    stages: { receive: "接收", queue: "排队", decode: "解码", features: "特征", inference: "推理", backend: "后端", vad: "语音检测", postprocess: "后处理", total: "合计" },
    dimensions: { arousal: "唤醒度", valence: "效价", dominance: "支配度" },
    emotions: { happy: "高兴", sad: "悲伤", angry: "愤怒", neutral: "平静", fearful: "恐惧", disgusted: "厌恶", surprised: "惊讶", unknown: "未知", other: "其他" } },
};
const $ = (id) => document.getElementById(id);
const made = (tag, text, cls) => { const it = document.createElement(tag); if (text !== undefined) it.textContent = text; if (cls) it.className = cls; return it; };
let tongue = navigator.language.startsWith("zh") ? "zh" : "en", words = WORDS[tongue];
let last = null, card = null, recorder = null, turn = 0, heard = null, samples = [];

function speak() {
  words = WORDS[tongue];
  document.documentElement.lang = tongue === "zh" ? "zh-CN" : "en";
  document.title = words.title;
  for (const it of document.querySelectorAll("[data-t]")) it.textContent = words[it.dataset.t];
  $("language").textContent = tongue === "zh" ? "English" : "中文";
  $("record").textContent = recorder ? words.stop : words.record;
  showSamples();
  $("spoken").options[0].textContent = words.own;
  showModel();
  if (last) show(last);
}

function showModel() {
  if (!card) return;
  $("model").textContent = card.title + " · " + card.backend + (card.precision ? " · " + card.precision : "") + " · " + card.device
    + (/demonstration/i.test(card.title) ? " — " + words.demo : "");
  for (const it of document.querySelectorAll("[data-needs]")) it.hidden = !card.parameters.includes(it.dataset.needs);
}

function headers() { return $("key").value ? { "X-API-Key": $("key").value } : {}; }

async function meet() {
  try {
    const answer = await fetch("v1/models", { headers: headers() });
    if (!answer.ok) { $("model").textContent = answer.status === 503 ? words.loading : ""; return; }
    card = (await answer.json()).data[0];
    while ($("spoken").options.length > 1) $("spoken").remove(1);
    for (const word of card.languages) { const it = made("option", word); it.value = word; $("spoken").append(it); }
    showModel();
    if (last && last.problem) { last = null; $("problem").hidden = true; }
  } catch { $("model").textContent = words.unreachable; }
}

async function meetSamples() {
  try {
    const answer = await fetch("samples");
    if (answer.ok) samples = (await answer.json()).samples;
    showSamples();
  } catch { /* A service without them is none the worse. */ }
}

function showSamples() {
  const row = $("samples");
  row.replaceChildren();
  if (!samples.length) return;
  row.append(made("span", words.samples, "soft"));
  for (const one of samples) {
    const it = made("button", named(one.emotion) + " · " + one.language);
    it.type = "button";
    it.dataset.sample = one.name;
    it.title = one.text;
    it.addEventListener("click", async () => {
      clear();
      const answer = await fetch("samples/" + encodeURIComponent(one.name));
      if (answer.ok) judge(await answer.blob(), one.name + ".flac");
    });
    row.append(it);
  }
}

// What was said before is no more about what comes now.
function clear() {
  last = null;
  $("problem").hidden = $("result").hidden = true;
}

function asked() {
  const found = [["return_all_emotions", "true"]];
  for (const [name, id] of [["language", "spoken"], ["vad_threshold", "threshold"], ["chunk_size", "chunk"]])
    if ($(id).value && !$(id).closest("[data-needs]").hidden) found.push([name, $(id).value]);
  if ($("ban").checked) found.push(["ban_unknown", "true"]);
  return found;
}

const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

// Never with the key that was typed: it would be pasted elsewhere.
function asCurl(name) {
  const parts = ["curl", "-s", "-F", quoted("file=@" + name)];
  for (const [key, value] of asked()) parts.push("-F", quoted(key + "=" + value));
  if ($("key").value) parts.push("-H", '"X-API-Key: $SV_EVAL_API_KEY"');
  return [...parts, quoted(new URL("analyze", location.href).href)].join(" ");
}

async function judge(blob, name = "recording.webm") {
  const mine = ++turn, form = new FormData();
  form.append("file", blob, "audio");
  for (const [key, value] of asked()) form.append(key, value);
  clear();
  if (heard) URL.revokeObjectURL(heard);
  heard = URL.createObjectURL(blob);
  const curl = asCurl(name);
  $("busy").textContent = words.busy; $("busy").hidden = false;
  let found;
  try {
    const answer = await fetch("analyze", { method: "POST", body: form, headers: headers() });
    const body = await answer.json();
    found = answer.ok ? { data: body.data, timing: answer.headers.get("Server-Timing") || "", wave: await waveOf(blob), curl } : { problem: body };
  } catch { found = { problem: { title: words.unreachable, detail: "", code: "", request_id: "" } }; }
  if (mine !== turn) return;
  $("busy").hidden = true;
  last = found;
  show(found);
  if (!card) meet();
}

async function waveOf(blob) {
  try {
    const context = new OfflineAudioContext(1, 1, 16000);
    const sound = await context.decodeAudioData(await blob.arrayBuffer());
    const samples = sound.getChannelData(0), bins = 400, step = Math.max(1, Math.floor(samples.length / bins)), out = [];
    for (let at = 0; at < samples.length; at += step) {
      let top = 0;
      for (let n = at; n < Math.min(at + step, samples.length); n++) top = Math.max(top, Math.abs(samples[n]));
      out.push(top);
    }
    return out;
  } catch { return null; }
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + (name || "unknown")).trim() || "#888";
const named = (name) => name ? words.emotions[name] || name : words.none;

function show(found) {
  if (found.problem) {
    const box = $("problem"), it = found.problem;
    box.querySelector("strong").textContent = words.problems[it.code] || it.title;
    box.querySelector("p").textContent = it.detail;
    box.querySelector("code").textContent = [it.code, it.request_id].filter(Boolean).join(" · ");
    box.hidden = false;
    return;
  }
  const data = found.data;
  const felt = Object.entries(data.dimensions || {}).filter(([, value]) => value !== null);
  // Who tells dimensions alone has not declined to name an emotion.
  $("emotion").textContent = !data.emotion && felt.length ? "" : named(data.emotion);
  $("emotion").style.color = colour(data.emotion);
  $("emotion").dataset.emotion = data.emotion || "";
  $("confidence").textContent = data.confidence === null ? "" : words.confidence + " " + data.confidence.toFixed(3);
  $("text").textContent = data.text || words.silent;
  $("dimensions").replaceChildren(...felt.flatMap(([name, value]) => {
    const [low, high] = (card && card.dimensions && card.dimensions[name]) || [null, null];
    const bar = made("div", undefined, "bar"), fill = made("span");
    if (low !== null) fill.style.width = (100 * Math.min(1, Math.max(0, (value - low) / (high - low)))).toFixed(1) + "%";
    fill.style.background = colour("soft");
    bar.append(fill);
    bar.hidden = low === null;
    const range = low === null ? "" : " (" + low + " … " + high + ")";
    return [made("span", (words.dimensions[name] || name) + range), bar, made("span", value.toFixed(2), "number")];
  }));
  $("posterior").hidden = !data.scores;
  const bars = $("bars");
  bars.replaceChildren();
  const said = card ? new Set([...card.labels, "unknown"]) : null;
  for (const [name, score] of Object.entries(data.scores || {}).sort((a, b) => b[1] - a[1])) {
    // What this model can't say has no bar to wait for.
    if (said && !said.has(name)) continue;
    const bar = made("div", undefined, "bar"), fill = made("span");
    fill.style.width = (100 * score).toFixed(1) + "%";
    fill.style.background = colour(name);
    bar.append(fill);
    bars.append(made("span", named(name)), bar, made("span", score.toFixed(3), "number"));
  }
  const line = $("segments");
  line.replaceChildren();
  for (const piece of data.segments || [{ start: 0, end: data.duration, emotion: data.emotion }]) {
    const it = made("span", named(piece.emotion));
    it.style.left = (100 * piece.start / data.duration) + "%";
    it.style.width = (100 * (piece.end - piece.start) / data.duration) + "%";
    it.style.background = colour(piece.emotion);
    it.title = piece.start.toFixed(2) + "–" + piece.end.toFixed(2) + " s  " + named(piece.emotion) + "  " + (piece.text || "");
    line.append(it);
  }
  $("end").textContent = data.duration.toFixed(2) + " s";
  const facts = $("facts");
  facts.replaceChildren();
  const entries = [[words.duration, data.duration.toFixed(2) + " s"], [words.language, data.language || "–"], [words.event, data.event || "–"]];
  for (const part of found.timing.split(", ").filter(Boolean)) {
    const [name, length] = part.split(";dur=");
    entries.push([words.stages[name] || name, Number(length).toFixed(1) + " ms"]);
  }
  for (const [name, value] of entries) { const it = made("div"); it.append(made("dt", name), made("dd", value)); facts.append(it); }
  $("curl").textContent = found.curl;
  if ($("player").src !== heard) $("player").src = heard;
  $("result").hidden = false;
  draw(found.wave);
}

function draw(wave) {
  const canvas = $("wave"), width = canvas.clientWidth, ratio = devicePixelRatio || 1;
  canvas.hidden = !wave;
  if (!wave) return;
  canvas.width = width * ratio;
  canvas.height = 64 * ratio;
  const pen = canvas.getContext("2d"), top = Math.max(...wave, 0.01);
  pen.scale(ratio, ratio);
  pen.fillStyle = colour("soft");
  wave.forEach((value, n) => { const high = Math.max(1, 60 * value / top); pen.fillRect(n * width / wave.length, 32 - high / 2, Math.max(1, width / wave.length - 1), high); });
}

async function record() {
  if (recorder) { recorder.stop(); return; }
  clear();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), pieces = [];
    const meter = listen(stream);
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = (event) => pieces.push(event.data);
    recorder.onstop = () => {
      const type = recorder.mimeType;
      meter.end();
      stream.getTracks().forEach((track) => track.stop());
      recorder = null;
      $("record").classList.remove("on");
      $("record").textContent = words.record;
      judge(new Blob(pieces, { type }));
    };
    recorder.start();
    $("record").classList.add("on");
    $("record").textContent = words.stop;
  } catch {
    recorder = null;
    last = { problem: { title: words.nomic, detail: "", code: "", request_id: "" } };
    show(last);
  }
}

// The level and the time of what is recorded, and the service's answers to it so far.
function listen(stream) {
  const context = new AudioContext(), source = context.createMediaStreamSource(stream);
  const tap = context.createScriptProcessor(4096, 1, 1), begin = performance.now();
  const live = card && card.streaming ? streamed(context.sampleRate) : null;
  $("level").hidden = false;
  $("live").textContent = "";
  tap.onaudioprocess = (event) => {
    const samples = event.inputBuffer.getChannelData(0);
    let sum = 0;
    for (const one of samples) sum += one * one;
    // From -60 dB up, as ears hear it.
    const level = 1 + Math.log10(Math.max(Math.sqrt(sum / samples.length), 1e-3)) / 3;
    $("meter").firstElementChild.style.width = (100 * Math.min(1, Math.max(0, level))).toFixed(0) + "%";
    $("time").textContent = ((performance.now() - begin) / 1000).toFixed(1) + " " + words.second;
    if (live) live.give(samples);
  };
  source.connect(tap);
  tap.connect(context.destination);
  return { end() { tap.disconnect(); source.disconnect(); context.close(); if (live) live.end(); $("level").hidden = true; } };
}

function streamed(rate) {
  const address = new URL("v1/emotion/stream", location.href), held = [];
  address.protocol = address.protocol.replace("http", "ws");
  if ($("key").value) address.searchParams.set("api_key", $("key").value);
  let socket = null, ready = false;
  try { socket = new WebSocket(address); } catch { return null; }
  socket.onopen = () => socket.send(JSON.stringify({ type: "start", encoding: "pcm_f32le", sample_rate: Math.round(rate), update_s: 1 }));
  socket.onmessage = (event) => {
    const told = JSON.parse(event.data);
    if (told.type === "ready") { ready = true; for (const piece of held.splice(0)) socket.send(piece); }
    if (told.type === "partial") {
      $("live").textContent = words.live + ": " + named(told.emotion) + (told.confidence === null ? "" : " " + told.confidence.toFixed(2))
        + (told.text ? " · " + told.text : "");
    }
  };
  // What is recorded is judged whole afterwards, whatever becomes of this.
  socket.onerror = () => { ready = false; };
  return {
    give(samples) {
      const piece = new Float32Array(samples).buffer;
      if (ready && socket.readyState === 1) socket.send(piece); else if (socket.readyState < 2 && held.length < 200) held.push(piece);
    },
    end() { if (socket.readyState === 1) { if (ready) socket.send(JSON.stringify({ type: "end" })); setTimeout(() => socket.close(), 3000); } else socket.close(); },
  };
}

$("file").addEventListener("change", () => { const file = $("file").files[0]; if (file) judge(file, file.name); $("file").value = ""; });
$("record").addEventListener("click", record);
$("language").addEventListener("click", () => { tongue = tongue === "zh" ? "en" : "zh"; speak(); });
$("key").addEventListener("change", meet);
addEventListener("resize", () => { if (last && last.wave) draw(last.wave); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (last) show(last); });
for (const kind of ["dragover", "dragleave", "drop"])
  addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    const file = kind === "drop" && event.dataTransfer.files[0];
    if (file) judge(file, file.name);
  });
speak();
meet();
meetSamples();
