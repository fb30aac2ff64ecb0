/* Deskbus chat widget: one script tag, no dependencies.
   <script src="https://desk.example/widget.js" data-account="acc_…"></script>
   It keeps a signed token and the last number it has, and after any disconnect shows exactly the server's thread. */
(() => {
  "use strict";
  const script = document.currentScript;
  const account = script.dataset.account;
  const server = new URL(script.src);
  const key = `deskbus:${account}`;
  const state = JSON.parse(localStorage.getItem(key) || '{"seq":0,"thread":[],"unsent":[]}');
  let socket = null;
  let attempts = 0;

  const save = () => localStorage.setItem(key, JSON.stringify(state));
  const element = (tag, attributes = {}, text = "") => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.textContent = text;
    return node;
  };

  const host = document.body.appendChild(element("div"));
  const root = host.attachShadow({ mode: "open" });
  root.appendChild(element("style", {}, `
    .box { position: fixed; right: 20px; bottom: 20px; width: 340px; font: 15px/1.4 system-ui, sans-serif; color: #1b2430;
           border-radius: 14px; box-shadow: 0 10px 40px #0003; overflow: hidden; background: #fff; display: flex; flex-direction: column }
    header { background: #1f4b99; color: #fff; padding: 14px 16px; display: flex; justify-content: space-between; align-items: center }
    header b { font-size: 16px } header small { opacity: .85 }
    header button { background: none; border: 1px solid #fff8; color: #fff; border-radius: 8px; padding: 3px 8px; cursor: pointer; font: inherit; font-size: 13px }
    ol { list-style: none; margin: 0; padding: 14px; height: 300px; overflow-y: auto; display: flex; flex-direction: column; gap: 8px }
    li { max-width: 80%; padding: 8px 12px; border-radius: 12px; white-space: pre-wrap; overflow-wrap: anywhere }
    .visitor { align-self: flex-end; background: #1f4b99; color: #fff } .agent { align-self: flex-start; background: #eef1f6 }
    .system { align-self: center; background: none; color: #5b6675; font-size: 13px; text-align: center } .unsent { opacity: .55 }
    form { display: flex; border-top: 1px solid #e3e7ee } textarea { flex: 1; border: 0; padding: 12px; font: inherit; resize: none; outline-offset: -2px }
    form button { border: 0; background: none; color: #1f4b99; font: inherit; font-weight: 600; padding: 0 16px; cursor: pointer }`));
  const box = root.appendChild(element("section", { className: "box" }));
  box.setAttribute("aria-label", "Chat with us");
  const header = box.appendChild(element("header"));
  const title = header.appendChild(element("div"));
  title.appendChild(element("b", {}, "Chat with us"));
  title.appendChild(element("br"));
  const status = title.appendChild(element("small", {}, "connecting …"));
  const startNew = header.appendChild(element("button", { type: "button", title: "Start another conversation" }, "New"));
  const list = box.appendChild(element("ol"));
  list.setAttribute("aria-live", "polite");
  const form = box.appendChild(element("form"));
  const input = form.appendChild(element("textarea", { rows: 2, maxLength: 10000, placeholder: "Write a message …" }));
  input.setAttribute("aria-label", "Message");
  form.appendChild(element("button", { type: "submit" }, "Send"));

  const draw = () => {
    list.replaceChildren(
      ...state.thread.map((one) => element("li", { className: one.from }, one.text)),
      ...state.unsent.map((one) => element("li", { className: "visitor unsent" }, one.text)),
    );
    list.scrollTop = list.scrollHeight;
  };
  const add = (one) => {
    if (one.seq <= state.seq) return;
    state.seq = one.seq;
    state.thread.push({ seq: one.seq, from: one.from, text: one.text });
  };
  const transmit = (frame) => socket && socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(frame));

  const on = {
    welcome(frame) {
      if (frame.conversation_id !== state.conversation) {
        Object.assign(state, { conversation: frame.conversation_id, seq: 0, thread: [] });
      }
      state.token = frame.token;
      status.textContent = "we answer here";
      state.unsent.forEach((one) => transmit({ type: "message", client_id: one.id, text: one.text }));
    },
    message: add,
    ack(frame) {
      const sent = state.unsent.find((one) => one.id === frame.client_id);
      state.unsent = state.unsent.filter((one) => one !== sent);
      if (sent) add({ seq: frame.seq, from: "visitor", text: sent.text });
    },
    closed() { status.textContent = "this conversation has ended; write to start another"; },
    error(frame) { status.textContent = frame.detail; },
  };

  const connect = () => {
    const url = `${server.protocol === "https:" ? "wss" : "ws"}://${server.host}/v1/chat/ws?account=${encodeURIComponent(account)}`;
    socket = new WebSocket(url);
    socket.onopen = () => { attempts = 0; transmit({ type: "hello", token: state.token, seq: state.seq }); };
    socket.onmessage = (event) => {
      const frame = JSON.parse(event.data);
      if (on[frame.type]) on[frame.type](frame);
      save();
      draw();
    };
    socket.onclose = () => {
      status.textContent = "connecting …";
      const longest = Math.min(30000, 500 * 2 ** attempts++);
      setTimeout(connect, longest * (0.5 + Math.random() / 2)); // jitter, so that a restart is not a stampede
    };
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    const one = { id: crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`, text };
    state.unsent.push(one);
    input.value = "";
    save();
    draw();
    transmit({ type: "message", client_id: one.id, text });
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) form.requestSubmit(), event.preventDefault();
  });
  startNew.addEventListener("click", () => transmit({ type: "new" }));
  draw();
  connect();
})();
