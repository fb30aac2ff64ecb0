/* Deskbus chat widget: one script tag, no dependencies.
     <script src="https://desk.example/widget.js" data-account="acc_…"></script>
   It keeps a signed token and the messages that were not acknowledged, and after any disconnect shows exactly the
   server's thread. Every text is set as text, never as HTML. It connects when it is opened, or was used before. */
(() => {
  "use strict";
  const script = document.currentScript;
  const account = script.dataset.account || "";
  const prefix = `deskbus:${account}:`;
  if (window[prefix]) return; // the tag stands on the page twice
  window[prefix] = true;
  const server = new URL(script.src);
  const scheme = server.protocol === "https:" ? "wss" : "ws";
  const url = `${scheme}://${server.host}/v1/chat/ws?account=${encodeURIComponent(account)}`;
  const GOOD = 5000; // milliseconds: a connection that lived so long was a good one
  const RETRY = 3000; // after a refusal: the server is busy, or we were too fast

  // ---- What is kept. Storage may be forbidden or full; then the page's own memory has to do.
  const memory = new Map();
  const guarded = (act, otherwise) => { try { return act(); } catch { return otherwise; } };
  const put = (name, value) => {
    memory.set(name, String(value));
    guarded(() => localStorage.setItem(prefix + name, value));
  };
  const take = (name) => guarded(() => localStorage.getItem(prefix + name), null) ?? memory.get(name);
  const drop = (name) => {
    memory.delete(name);
    guarded(() => localStorage.removeItem(prefix + name));
  };
  const UNSENT = "unsent:"; // each under a key of its own, so that two tabs never overwrite each other
  const unsentKeys = guarded(() => Object.keys(localStorage), []).filter((key) => key.startsWith(prefix + UNSENT)).sort();
  const unsent = new Map(unsentKeys.map((key) => [key.slice((prefix + UNSENT).length), localStorage.getItem(key)]));
  const random = () => Math.random().toString(36).slice(2);
  const unique = () => `${Date.now().toString(36)}-${random()}${random()}`; // sorts by time

  // ---- What is shown.
  const STYLE = `
    :host { all: initial }
    * { box-sizing: border-box }
    [hidden] { display: none !important }
    .bell, .box { position: fixed; right: 20px; z-index: 2147483000; color: #1b2430;
      font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif }
    .bell { bottom: 20px; width: 58px; height: 58px; padding: 0; border: 0; border-radius: 50%; background: #1f4b99;
      box-shadow: 0 6px 24px #1b243055 }
    .bell::before { content: ""; position: absolute; left: 16px; top: 18px; width: 26px; height: 19px;
      border-radius: 9px; background: #fff }
    .bell::after { content: ""; position: absolute; left: 22px; top: 35px; border-style: solid;
      border-width: 9px 9px 0 0; border-color: #fff transparent transparent }
    .bell span { position: absolute; right: -3px; top: -3px; min-width: 22px; padding: 0 6px; border-radius: 11px;
      background: #c62f3d; color: #fff; font-size: 13px; line-height: 22px; font-weight: 600 }
    .box { bottom: 92px; width: 370px; max-width: calc(100vw - 40px); height: 560px; max-height: calc(100vh - 112px);
      display: flex; flex-direction: column; overflow: hidden; background: #fff; border-radius: 16px;
      box-shadow: 0 12px 48px #1b243044 }
    header { display: flex; gap: 2px; align-items: center; padding: 13px 8px 13px 18px; background: #1f4b99; color: #fff }
    header div { flex: 1; min-width: 0 }
    header b { display: block; font-size: 17px }
    header small { display: block; font-size: 13px; opacity: .92 }
    button, input, textarea { font: inherit; color: inherit; margin: 0 }
    button { cursor: pointer; border: 0; border-radius: 10px; background: none }
    header button { padding: 6px 10px }
    header button:hover { background: #ffffff26 }
    .log { flex: 1; overflow-y: auto; padding: 16px; display: flex; flex-direction: column; gap: 8px }
    ol { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: 8px }
    li { max-width: 82%; padding: 9px 13px; border-radius: 14px; white-space: pre-wrap; overflow-wrap: anywhere }
    .visitor { align-self: flex-end; background: #1f4b99; color: #fff; border-bottom-right-radius: 4px }
    .agent { align-self: flex-start; background: #eef1f6; border-bottom-left-radius: 4px }
    .system, p { align-self: center; max-width: 94%; margin: 0; padding: 2px 8px; color: #5b6675; font-size: 13px;
      text-align: center }
    .unsent { opacity: .55 }
    form { display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px; border-top: 1px solid #e3e7ee }
    textarea, input { flex: 1; min-width: 0; padding: 9px 11px; border: 1px solid #cfd6e1; border-radius: 10px;
      background: #fff; font-size: 16px }
    textarea { display: block; height: 43px; max-height: 132px; resize: none; line-height: 23px }
    .send { height: 43px; padding: 0 16px; background: #1f4b99; color: #fff; font-weight: 600 }
    .mail { align-items: center; padding: 8px 12px; background: #f6f8fb }
    .mail input { padding: 5px 10px; font-size: 15px }
    .mail button { padding: 5px 8px; color: #1f4b99; font-weight: 600 }
    :focus-visible { outline: 2px solid #7aa2f0; outline-offset: 1px }
    @media (max-width: 480px) {
      .box { inset: 0; width: 100%; max-width: none; height: 100%; max-height: none; border-radius: 0 }
      .box:not([hidden]) + .bell { display: none }
    }`;
  const element = (tag, { label, ...properties } = {}, text = "") => {
    const node = Object.assign(document.createElement(tag), properties);
    if (label) node.setAttribute("aria-label", label);
    node.textContent = text;
    return node;
  };
  const within = (parent, ...children) => { parent.append(...children); return parent; };

  const status = element("small");
  const startNew = element("button", { type: "button", title: "Start another conversation" }, "New");
  const close = element("button", { type: "button", label: "Close the chat" }, "✕");
  const header = within(element("header"), within(element("div"), element("b", {}, "Chat with us"), status), startNew, close);
  const hint = element("p", {}, "Ask us anything. The answer appears here.");
  const list = element("ol");
  const pending = element("ol");
  const log = within(element("div", { className: "log", role: "log", tabIndex: 0, label: "Conversation" }), hint, list, pending);
  const mail = element("input", { type: "email", required: true, maxLength: 320, autocomplete: "email",
    placeholder: "Your email, if we are cut off", label: "Your email" });
  const mailForm = within(element("form", { className: "mail", hidden: Boolean(take("email")) }), mail,
    element("button", { type: "submit" }, "Save"));
  const input = element("textarea", { rows: 1, maxLength: 10000, placeholder: "Write a message …", label: "Message" });
  const form = within(element("form"), input, element("button", { type: "submit", className: "send" }, "Send"));
  const box = within(element("section", { className: "box", hidden: true, label: "Chat with us" }), header, log, mailForm, form);
  const badge = element("span");
  const bell = within(element("button", { className: "bell", type: "button", label: "Chat with us" }), badge);
  const host = element("div");
  const sheet = new CSSStyleSheet(); // a page's content policy may forbid style elements
  sheet.replaceSync(STYLE);
  const root = within(host.attachShadow({ mode: "open" }), box, bell);
  root.adoptedStyleSheets = [sheet];

  // ---- The conversation.
  let socket = null, attempts = 0, retry = 0;
  let isWelcomed = false, isReady = false, isOpen = false, isProfileTold = false;
  let conversation = null, seq = 0, thread = [], wish = null, unread = 0;

  const bubble = (one, className) => {
    const title = one.at ? new Date(one.at).toLocaleString() : "";
    return element("li", { className, title }, one.text);
  };
  const draw = () => {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
    if (list.childElementCount > thread.length) list.replaceChildren();
    list.append(...thread.slice(list.childElementCount).map((one) => bubble(one, one.from)));
    pending.replaceChildren(...[...unsent.values()].map((text) => bubble({ text }, "visitor unsent")));
    hint.hidden = thread.length + unsent.size > 0;
    startNew.hidden = thread.length === 0;
    badge.textContent = unread;
    badge.hidden = unread === 0;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
  const add = (one) => {
    if (one.seq <= seq) return;
    seq = one.seq;
    thread.push(one);
    if (isOpen) put("read", seq);
    else if (one.from !== "visitor" && seq > Number(take("read") || 0)) unread += 1;
  };
  const forget = () => { seq = 0; thread = []; unread = 0; list.replaceChildren(); };

  const transmit = (frame) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)); };
  const tellProfile = () => {
    if (!take("email") || isProfileTold) return;
    transmit({ type: "profile", email: take("email") });
    isProfileTold = true;
  };
  const transmitMessage = (id) => {
    tellProfile();
    transmit({ type: "message", client_id: id, text: unsent.get(id) });
  };
  const transmitAll = () => {
    if (wish) transmit({ type: "new", client_id: wish });
    else [...unsent.keys()].forEach(transmitMessage);
  };

  const on = {
    welcome(frame) {
      const isOther = frame.conversation_id !== conversation;
      if (isOther && conversation) drop("read");
      if (isOther || frame.seq < seq) forget();
      if (isOther) isProfileTold = false;
      conversation = frame.conversation_id;
      put("token", frame.token);
      status.textContent = "Connected";
      const isFirst = !isWelcomed, isWished = wish !== null;
      isWelcomed = true;
      isReady = !(isFirst && isWished);
      if (isReady) wish = null; // this is the welcome that was wished for
      if (isFirst || isWished) transmitAll();
    },
    message: add,
    ack(frame) {
      const text = unsent.get(frame.client_id);
      unsent.delete(frame.client_id);
      drop(UNSENT + frame.client_id);
      if (text !== undefined) add({ seq: frame.seq, from: "visitor", text });
    },
    closed() { status.textContent = "This conversation has ended. Write to start another."; },
    error(frame) {
      status.textContent = frame.detail;
      if (frame.code !== "unavailable" && frame.code !== "rate_limited") return;
      isProfileTold = false;
      clearTimeout(retry);
      retry = setTimeout(transmitAll, RETRY);
    },
  };
  const connect = () => {
    const began = Date.now();
    isWelcomed = isReady = false;
    status.textContent = "Connecting …";
    socket = new WebSocket(url);
    socket.onopen = () => transmit({ type: "hello", token: take("token"), seq });
    socket.onmessage = (event) => {
      const frame = JSON.parse(event.data);
      if (Object.hasOwn(on, frame.type)) on[frame.type](frame);
      draw();
    };
    socket.onclose = () => {
      clearTimeout(retry);
      isReady = false;
      status.textContent = "Connecting …";
      attempts = Date.now() - began > GOOD ? 0 : attempts + 1;
      const longest = Math.min(30000, 500 * 2 ** attempts);
      setTimeout(connect, longest * (0.5 + Math.random() / 2)); // jitter, so that a restart is not a stampede
    };
  };

  // ---- The visitor.
  const show = (open) => {
    isOpen = open;
    box.hidden = !open;
    bell.setAttribute("aria-expanded", String(open));
    if (!open) return;
    unread = 0;
    put("read", Math.max(seq, Number(take("read") || 0)));
    if (!socket) connect();
    draw();
    log.scrollTop = log.scrollHeight;
  };
  const toggle = (open) => { show(open); (open ? input : bell).focus(); };
  const fit = () => { input.style.height = "auto"; input.style.height = `${input.scrollHeight + 2}px`; };

  bell.addEventListener("click", () => toggle(!isOpen));
  close.addEventListener("click", () => toggle(false));
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") toggle(false); });
  startNew.addEventListener("click", () => {
    wish = unique(); // sent again under this name if its answer is lost, so that one wish is one conversation
    if (isReady) transmitAll();
    isReady = false;
  });
  mailForm.addEventListener("submit", (event) => {
    event.preventDefault();
    put("email", mail.value);
    mailForm.hidden = true;
    isProfileTold = false;
    if (isReady) tellProfile();
    input.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    const id = unique();
    unsent.set(id, text);
    put(UNSENT + id, text);
    input.value = "";
    fit();
    if (isReady) transmitMessage(id);
    draw();
    log.scrollTop = log.scrollHeight;
  });
  input.addEventListener("input", fit);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  const begin = () => {
    document.body.append(host);
    draw();
    if (script.dataset.open !== undefined) show(true);
    else if (take("token") || unsent.size) connect();
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
})();
