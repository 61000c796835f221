// YAMNet-mini hears what the microphone, a clip or a file brings, in this browser alone.
// Network, runtime and clips are scripts that hand over compressed data: from a folder, a page may load nothing else.
(() => {
  "use strict";
  const RATE = 16000, COLUMN = 160, BANDS = 64, WINDOW = 15600, HOP = 7680;  // Hz; samples; mel bands; samples
  const PER_SECOND = RATE / COLUMN, FRAMES = 96;             // columns of the spectrogram: in a second, in a window
  const SHOWN = 1000, STEP = 24;                             // columns: in the picture, between two looks of the network
  const LAG = 45;                                            // columns by which the picture is late, to run smoothly
  const PIECE = 20;                                          // windows of a file at once
  const QUIET = 0.0015, LARGEST = 30e6, CALM = 4000;         // root mean square; bytes; ms between announcements

  const base = new URL(".", document.currentScript.src).href;
  const root = document.getElementById("hear"), find = selector => root.querySelector(selector);
  const canvas = find("canvas"), audio = find("audio"), rows = [...root.querySelectorAll(".hear-tag")];
  const listenButton = find("#hear-listen"), [timeLeft, timeRight] = root.querySelectorAll(".hear-time span:not(.hear-example)");

  const ADVICE = {
    NotAllowedError: "The browser doesn't let this page use the microphone. Allow it next to the address, "
      + "then press the button again. Or choose a sound file.",
    NotFoundError: "There is no microphone here. Connect one and press the button again, or choose a sound file.",
    NotReadableError: "The microphone is busy or switched off. Close other programs that use it, and try again.",
    EncodingError: "This browser can't read that file. Try another one: a WAV or MP3 file works everywhere.",
    insecure: "Browsers give a page the microphone over https or on this computer only. "
      + "Choose a sound file instead, or play one of the clips.",
    speechless: "This browser only listens where it could also play. Connect a loudspeaker or headphones, and try again.",
    old: "This needs a browser from 2023 or later. Please update yours, or try another one.",
    missing: "A file of this page could not be loaded. Reload the page, or copy its folder again as a whole.",
    large: `Please choose a file of at most ${LARGEST / 1e6} MB: a minute or two of sound is plenty.`,
    empty: "There is no sound in that file. Try another one.",
  };
  const trouble = name => Object.assign(new Error(ADVICE[name]), { name });
  const say = text => {
    const status = find(".hear-status");
    if (status.textContent !== text) status.textContent = text;
  };

  // A turn is what one press of a button starts. The next one ends it, and with it all that it has opened.
  let turn = { end() {} };
  const begin = async work => {
    turn.end();
    const ends = [], mine = {
      over: false,
      whenOver(end) { mine.over ? end() : ends.push(end); },
      end() { mine.over = true; ends.splice(0).forEach(end => end()); },
    };
    turn = mine;
    const megabytes = root.dataset.megabytes;
    announced = { name: "", time: -Infinity };
    find(".hear-announced").textContent = "";
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    find(".hear-main").scrollIntoView({ block: "nearest", behavior });  // on a phone, it lies below the buttons
    enter("loading", ready ? "One moment …" : `Loading a small network, about ${megabytes} MB, once …`);
    try {
      await work(mine);
    } catch (error) {
      if (mine.over) return;
      mine.end();
      if (!ADVICE[error.name]) console.error(error);
      enter("error", ADVICE[error.name] ?? `That went wrong: ${error.message}. Reload the page and try again.`);
    }
  };
  const enter = (state, text) => {
    root.dataset.state = state;
    const mayStop = state === "listening" || state === "loading";
    listenButton.querySelector("span").textContent = mayStop ? "Stop" : "Listen with your microphone";
    if (text !== undefined) say(text);
  };
  const stop = () => {
    turn.end();
    enter("idle", "Stopped. What else could you try?");
  };

  // What is loaded.
  const asked = {};
  const part = name => asked[name] ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${base}${name}.js`;
    script.onload = () => resolve(window.hearParts[name]);
    script.onerror = () => { delete asked[name]; reject(trouble("missing")); };
    document.head.append(script);
  });
  const decode = (text, type) => {
    const signs = atob(text), data = new Uint8Array(signs.length);
    for (let k = 0; k < data.length; k++) data[k] = signs.charCodeAt(k);  // four times as fast as Uint8Array.from
    return new Blob([data], { type });
  };
  const unpack = text => new Response(decode(text).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();

  let ready;
  const load = () => ready ??= (async () => {
    if (!("DecompressionStream" in window)) throw trouble("old");
    const [model, runtime] = await Promise.all([part("model"), part("runtime")]);
    const script = new Blob([await unpack(runtime.script)], { type: "text/javascript" });
    const ort = await import(URL.createObjectURL(script));
    Object.assign(ort.env.wasm, { wasmBinary: await unpack(runtime.wasm), numThreads: 1 });
    const session = await ort.InferenceSession.create(await unpack(model.onnx), { executionProviders: ["wasm"] });
    const [low, high] = model.levels, times = [];
    const network = {
      labels: model.labels,
      colours: new Uint32Array(Uint8Array.from(model.colours.flat()).buffer),
      // Map samples to scores (a row per window) and to the spectrogram's columns, in steps from 0 to 255.
      async run(samples) {
        const start = performance.now();
        const found = await session.run({ waveform: new ort.Tensor("float32", samples, [samples.length]) });
        times.push((performance.now() - start) / (samples.length / RATE));
        const usual = times.slice(-20).sort((a, b) => a - b)[Math.min(times.length, 20) >> 1];
        root.dataset.speed = usual;
        find(".hear-speed").textContent = `The network takes ${Math.max(1, Math.round(usual))} ms for a second of sound on this device.`;
        const columns = Uint8ClampedArray.from(found.log_mel.data, value => 255 * (value - low) / (high - low));
        return { scores: found.scores.data, columns };
      },
    };
    await network.run(new Float32Array(WINDOW));  // the first call takes longer
    times.length = 0;
    return network;
  })().catch(error => { ready = undefined; throw error; });

  // The tags.
  let announced = { name: "", time: -Infinity };
  const show = (scores, labels) => {
    const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, rows.length);
    const rank = row => Number(row.style.getPropertyValue("--rank"));
    const free = rows.filter(row => !best.includes(row.tag)).sort((a, b) => rank(a) - rank(b));
    best.forEach((tag, place) => {
      const row = rows.find(one => one.tag === tag) ?? free.shift(), score = scores[tag].toFixed(2);
      row.classList.toggle("hear-new", row.tag !== tag);  // it appears in its place; the others slide
      row.tag = tag;
      row.dataset.label = row.querySelector(".hear-name").textContent = labels[tag];
      row.dataset.score = row.querySelector(".hear-score").textContent = score;
      row.style.setProperty("--rank", place);
      row.style.setProperty("--score", scores[tag]);
      row.classList.toggle("hear-top", place === 0);
    });
    root.classList.add("hear-used");
    const name = labels[best[0]], now = performance.now();
    if (name === announced.name || now - announced.time < CALM) return;
    announced = { name, time: now };
    find(".hear-announced").textContent = `It hears: ${name}`;
  };

  // The picture.
  const small = document.createElement("canvas");
  const draw = view => {
    const width = canvas.clientWidth, height = canvas.clientHeight, ratio = window.devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const { at, first, span } = view.where(), begins = Math.floor(first);
    [small.width, small.height] = [span + 1, BANDS];
    const picture = new ImageData(span + 1, BANDS), pixels = new Uint32Array(picture.data.buffer);
    for (let x = 0; x <= span; x++) {
      const column = begins + x;
      if (column < Math.max(0, view.filled - view.capacity) || column >= view.filled) continue;
      const from = (column % view.capacity) * BANDS;
      for (let band = 0; band < BANDS; band++)
        pixels[(BANDS - 1 - band) * (span + 1) + x] = view.colours[view.columns[from + band]];
    }
    small.getContext("2d").putImageData(picture, 0, 0);
    const pen = canvas.getContext("2d"), scale = width / span;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(small, first - begins, 0, span, BANDS, 0, 0, width, height);
    const left = (view.window() - first) * scale;
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.beginPath();
    pen.roundRect(left + 1, 3, FRAMES * scale - 2, height - 6, 6);
    pen.globalAlpha = 0.8;
    pen.stroke();
    pen.globalAlpha = 1;
    if (view.live) return;
    pen.fillStyle = "#fff";
    pen.fillRect((at - first) * scale - 1, 0, 2, height);
  };
  const names = (left, right) => [timeLeft.textContent, timeRight.textContent] = [left, right];
  const makeView = (network, capacity, live) =>
    ({ capacity, live, filled: 0, columns: new Uint8Array(capacity * BANDS), colours: network.colours });
  const put = (view, columns, from) => {
    for (let k = 0; k < columns.length / BANDS; k++)
      view.columns.set(columns.subarray(k * BANDS, (k + 1) * BANDS), ((from + k) % view.capacity) * BANDS);
  };

  // The microphone.
  const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
    block = new Float32Array(1024);
    length = 0;
    process([[samples]]) {
      if (!samples) return true;
      this.block.set(samples, this.length);
      this.length += samples.length;
      if (this.length < this.block.length) return true;
      this.port.postMessage(this.block);
      this.length = 0;
      return true;
    }
  });`;

  // Return a function that resamples a stream, block by block, to 16 kHz: a sinc under a Hann window.
  const resampler = rate => {
    const divisor = (a, b) => b ? divisor(b, a % b) : a, common = divisor(rate, RATE);
    const up = RATE / common, down = rate / common, cut = Math.min(1, RATE / rate), reach = Math.ceil(16 / cut);
    const kernels = [], weight = t =>
      (t ? Math.sin(Math.PI * cut * t) / (Math.PI * t) : cut) * (0.5 + 0.5 * Math.cos(Math.PI * t / (reach + 1)));
    let kept = new Float32Array(reach), start = -reach, n = 0;
    return block => {
      const input = new Float32Array(kept.length + block.length), output = [];
      input.set(kept);
      input.set(block, kept.length);
      const place = () => Math.floor(n * down / up);
      for (; place() + reach < start + input.length; n++) {
        const phase = n * down % up, from = place() - reach + 1 - start;
        kernels[phase] ??= Float32Array.from({ length: 2 * reach }, (_, k) => weight(k - reach + 1 - phase / up));
        let sum = 0;
        for (let k = 0; k < 2 * reach; k++) sum += kernels[phase][k] * input[from + k];
        output.push(sum);
      }
      const used = place() - reach + 1 - start;
      kept = input.slice(used);
      start += used;
      return output;
    };
  };

  // Open the microphone and hand its samples on, block by block, at 16 kHz; return a clock that starts with the first.
  const open = async (mine, take) => {
    if (!navigator.mediaDevices) throw trouble("insecure");
    const context = new AudioContext();  // at its own rate: Firefox joins no others
    mine.whenOver(() => context.close());
    const running = context.resume();  // while the press of the button counts
    running.catch(() => {});           // closed before
    const wish = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const microphone = navigator.mediaDevices.getUserMedia({ audio: wish }).then(stream => {
      mine.whenOver(() => stream.getTracks().forEach(track => track.stop()));
      return stream;
    });
    const tap = `data:text/javascript,${encodeURIComponent(TAP)}`;  // from a folder, Chromium takes no blob here
    const [stream] = await Promise.all([microphone, context.audioWorklet.addModule(tap)]);
    const patience = new Promise((_, reject) => setTimeout(reject, 5000, trouble("speechless")));
    await Promise.race([running, patience]);
    if (mine.over) return;
    const node = new AudioWorkletNode(context, "tap", { channelCount: 1, channelCountMode: "explicit" });
    const resample = resampler(context.sampleRate);
    let began;
    node.port.onmessage = ({ data }) => {
      began ??= context.currentTime;
      take(resample(data));
    };
    stream.getTracks()[0].onended = stop;  // unplugged
    context.createMediaStreamSource(stream).connect(node).connect(context.destination);  // it is silent
    return () => context.currentTime - (began ?? context.currentTime);
  };

  const listen = () => begin(async mine => {
    audio.hidden = true;
    const recent = new Float32Array(WINDOW + COLUMN);
    let heard = 0, busy = true;
    const take = samples => {
      recent.copyWithin(0, samples.length);
      recent.set(samples, recent.length - samples.length);
      heard += samples.length;
      if (!busy && heard >= WINDOW && heard >= (view.filled + STEP) * COLUMN) look();
    };
    const [network, clock] = await Promise.all([load(), open(mine, take)]);
    if (mine.over) return;
    const view = makeView(network, 2 * SHOWN, true);
    view.where = () => {
      const at = clock() * PER_SECOND - LAG;
      return { at, first: at - SHOWN, span: SHOWN };
    };
    view.window = () => Math.min(view.filled, view.where().at) - FRAMES;
    const look = async () => {
      busy = true;
      const now = Math.floor(heard / COLUMN);
      view.filled ||= now - FRAMES;
      const fresh = now - view.filled, late = Math.max(0, fresh - FRAMES);
      const from = recent.length - heard % COLUMN - WINDOW, samples = recent.slice(from, from + WINDOW);
      const { scores, columns } = await network.run(samples);
      busy = false;
      if (mine.over) return;
      put(view, new Uint8Array(late * BANDS), view.filled);  // lost on a slow device
      put(view, columns.subarray((FRAMES - fresh + late) * BANDS), view.filled + late);
      view.filled += fresh;
      show(scores, network.labels);
      const level = Math.sqrt(samples.subarray(-HOP).reduce((sum, value) => sum + value * value, 0) / HOP);
      root.style.setProperty("--hear-level", Math.min(1, Math.max(0, 1 + Math.log10(level + 1e-9) / 3)));
      say(level < QUIET ? "It's very quiet here: whistle, clap or say something." : "Listening …");
    };
    busy = false;
    enter("listening", "Listening …");
    names("10 s ago", "now");
    const frame = () => {
      if (mine.over) return;
      if (heard) draw(view);
      requestAnimationFrame(frame);
    };
    frame();
  });

  // Clips and files.
  const play = get => begin(async mine => {
    audio.pause();
    const [network, blob] = await Promise.all([load(), get()]);
    if (mine.over) return;
    if (blob.size > LARGEST) throw trouble("large");
    say("Reading the sound …");
    const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
    if (mine.over) return;
    if (!sound.length) throw trouble("empty");
    const { labels } = network, windows = Math.max(0, Math.ceil((sound.length - WINDOW) / HOP)) + 1;
    const samples = new Float32Array(WINDOW + (windows - 1) * HOP), channels = sound.numberOfChannels;
    for (let channel = 0; channel < channels; channel++)
      sound.getChannelData(channel).forEach((value, k) => { samples[k] += value / channels; });

    const total = Math.ceil(sound.length / COLUMN), span = Math.min(SHOWN, Math.max(total, FRAMES));
    const view = makeView(network, FRAMES / 2 * (windows + 1)), scores = [];
    const nearest = () =>
      Math.max(0, Math.min(scores.length - 1, Math.round((audio.currentTime - 0.48) * RATE / HOP)));
    view.window = () => nearest() * FRAMES / 2;
    view.where = () => {
      const at = audio.currentTime * PER_SECOND, first = Math.max(0, Math.min(at - span / 2, total - span));
      return { at, first, span };
    };
    let shown;
    const frame = () => {
      if (mine.over) return;
      draw(view);
      const { first } = view.where(), seconds = columns => `${(columns / PER_SECOND).toFixed(0)} s`;
      names(seconds(first), seconds(first + span));
      if (shown !== scores[nearest()]) show(shown = scores[nearest()], labels);
      if (!audio.paused) requestAnimationFrame(frame);
    };
    const url = URL.createObjectURL(blob);
    mine.whenOver(() => {
      audio.pause();
      audio.onplay = audio.onpause = audio.onseeked = null;
      URL.revokeObjectURL(url);
    });
    for (let k = 0; k < windows; k += PIECE) {
      const piece = samples.slice(k * HOP, (Math.min(k + PIECE, windows) - 1) * HOP + WINDOW);
      const found = await network.run(piece), size = labels.length;
      if (mine.over) return;
      put(view, found.columns, k * FRAMES / 2);
      view.filled = k * FRAMES / 2 + found.columns.length / BANDS;
      for (let row = 0; row < found.scores.length; row += size) scores.push(found.scores.slice(row, row + size));
      if (k === 0) {
        audio.src = url;
        audio.hidden = false;
        audio.onplay = () => { enter("playing", "Playing. The tags are those of the second in the frame."); frame(); };
        audio.onpause = () => {
          if (!audio.ended) return enter("idle", "Paused.");
          const highest = scores.map(row => Math.max(...row));  // back to where the network is surest
          audio.currentTime = highest.indexOf(Math.max(...highest)) * HOP / RATE + 0.48;
          enter("idle", "This is where it was surest. Play it again, or try another sound.");
        };
        audio.onseeked = frame;
        audio.play().catch(() => enter("idle", "Press play below the picture."));
      }
      await new Promise(resolve => setTimeout(resolve));
    }
    frame();
  });

  listenButton.onclick = () => (["listening", "loading"].includes(root.dataset.state) ? stop : listen)();
  root.querySelectorAll("[data-clip]").forEach(button => {
    button.onclick = () => play(async () => decode((await part("clips"))[button.dataset.clip], "audio/mpeg"));
  });
  find("#hear-file").onchange = ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file) play(() => file);
  };
  root.ondragover = event => {
    event.preventDefault();
    root.classList.add("hear-over");
  };
  root.ondragleave = event => root.classList.toggle("hear-over", root.contains(event.relatedTarget));
  root.ondrop = event => {
    event.preventDefault();
    root.classList.remove("hear-over");
    const [file] = event.dataTransfer.files;
    if (file) play(() => file);
  };
})();
