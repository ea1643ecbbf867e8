// Shows the console's state, which comes as server-sent events, and posts what is pressed. All text
// that comes from the server is set as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const KEPT_BUCKETS = 300;
// A button that was pressed rests a moment: where "Kill" was, "Restart" stands after it has worked,
// and a second click of the same impulse must not hit that.
const REST_MS = 700;
const SAID_MS = 6000;

let state = null;
let buckets = [];
let spokenMark = null;
let resting = new Map();
let saidUntil = null;

function connect() {
  const source = new EventSource("/events");
  let isFirst = true;
  source.onopen = () => {
    isFirst = true;
    connection("live", false);
  };
  source.onmessage = (event) => {
    state = JSON.parse(event.data);
    // A new connection begins with the whole minute.
    buckets = (isFirst ? [] : buckets).concat(state.buckets).slice(-KEPT_BUCKETS);
    isFirst = false;
    show();
  };
  // The browser tries again by itself, except after a refusal.
  source.onerror = () => {
    connection("no connection: is the console still running?", true);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

function connection(text, lost) {
  setText($("connection"), text);
  $("connection").classList.toggle("lost", lost);
}

// Only what differs is touched, so that a screen reader is not told the same again and again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show() {
  showSystem();
  showLeader();
  showProcesses();
  showFigures();
  showLoad();
  showEvents();
  if (!document.hidden) Timeline.draw($("timeline"), state, buckets);
}

// Which system this is, and in its own words what clients do to it. What they do not do is not shown.
function showSystem() {
  const { system, replicas, processes, tells } = state;
  const { name, description, operations } = system;
  document.title = `${name}: Double Trouble`;
  setText($("system"), `: ${name}`);
  setText($("about"), description);
  for (const element of document.querySelectorAll("[data-op]")) {
    const word = operations[element.dataset.op];
    element.hidden = word === null;
    if (word !== null) setText(element.querySelector("span"), element.matches("li") ? word.many : word.one);
  }
  for (const element of document.querySelectorAll("[data-needs]:not(optgroup)")) {
    element.hidden = operations[element.dataset.needs] === null;
  }
  for (const element of document.querySelectorAll("[data-led]")) element.hidden = replicas.length === 0;
  const { query, trade, lookup } = operations;
  if (trade !== null) {
    const [first, ...others] = trade.many;
    const changes = first.toUpperCase() + others.join("");
    // A client of stocks trades after a query; one of registers and logs reads or changes.
    const follows = query === null ? "" : trade.one === "trade" ? " after a query" : " among operations";
    setText($("p-what"), `${changes}${follows}, p`);
    setText($("acknowledged-what"), `${lookup === null ? trade.many : "orders"} acknowledged`);
  }
  const cached = processes.filter(({ role: what }) => what === tells).map((process) => process.name);
  if (cached.length > 0) setText($("cached"), cached.join(" and "));
  // The line is gone once something has happened.
  if ($("whom")) setText($("whom"), replicas.length > 0 ? "the leader" : "a process");
}

function showLeader() {
  const { leader, processes, replicas, tells } = state;
  const process = leader && processes.find(({ name }) => name === replicas[leader.id - 1]);
  const leads = Boolean(leader && leader.serves && process && process.state === "up");
  $("leadership").classList.toggle("leaderless", !leads);
  if (!leader) {
    const known = replicas.length > 0;
    setText($("leader"), known ? "nobody leads yet" : "nobody is known to lead");
    setText($("leader-detail"), known ? "" : `${state.system.name} does not say who leads`);
    return;
  }
  const name = replicas[leader.id - 1];
  const away = processes.find((one) => one.role === tells && one.state !== "up");
  let text = `${name} leads`;
  if (process && process.state !== "up") text = `${name} led, and is ${process.state}`;
  else if (!leader.serves) text = `${name} takes over`;
  setText($("leader"), text);
  // Another target than the bazaar need not have epochs, or say who is in sync.
  const details = [
    leader.epoch === null ? "" : `epoch ${leader.epoch}`,
    tookOver(name, leader),
    leader.in_sync ? `in sync: ${leader.in_sync.map((id) => replicas[id - 1]).join(", ")}` : "",
    away ? `as last known: ${away.name} is ${away.state}` : "",
  ];
  setText($("leader-detail"), details.filter(Boolean).join(" · "));
}

// How long nobody led, and why, if the leader's own mark says so.
function tookOver(name, { epoch }) {
  const led = epoch === null ? `${name} leads,` : ` in epoch ${epoch},`;
  const mark = state.marks.findLast(({ kind, text }) => kind === "leader" && text.includes(led));
  return mark ? mark.text.split(", ").at(-1) : "";
}

const STATES = { up: "● up", paused: "❚❚ paused", dead: "✕ dead" };

function showProcesses() {
  const list = $("processes");
  for (const process of state.processes) {
    const item = $(`process-${process.name}`) ?? list.appendChild(card(process.name));
    item.className = `${process.state}${process.leads ? " leads" : ""}`;
    setText(item.querySelector(".state"), STATES[process.state]);
    setText(item.querySelector(".pid"), where(process));
    setText(item.querySelector(".role"), role(process));
    setText(item.querySelector(".faults"), lasting(process.faults));
    const [first, second] = item.querySelectorAll("button");
    offer(first, process.state === "dead" ? "restart" : "kill");
    offer(second, process.state === "paused" ? "resume" : "pause");
    if (process.state === "dead") allow(second, false);
  }
  $("links").hidden = state.links.length === 0;
  setText($("links"), lasting(state.links));
  showChoices();
  for (const button of $("leader-buttons").querySelectorAll("[data-action]")) {
    button.hidden = state.replicas.length === 0;
    allow(button, !isResting(button) && Boolean(state.leader));
  }
}

// The role is told where the name does not.
function where({ name, role: what, pid, address }) {
  const words = [`pid ${pid}`, address ? `port ${address.split(":").at(-1)}` : "", name.startsWith(what) ? "" : what];
  return words.filter(Boolean).join(", ");
}

// The sign stays with its word where the line is broken.
function lasting(faults) {
  return faults.map((fault) => `▼\u00a0${fault}`).join(", ");
}

// What can be broken: the leader, a follower, and each process; and of the faults those that this system can have.
function showChoices() {
  const groups = [...$("fault").querySelectorAll("optgroup")];
  const lacking = groups.filter(({ dataset }) => dataset.needs && !state.offers[dataset.needs]);
  for (const group of lacking) group.remove();
  if (state.replicas.length === 0) {
    for (const option of $("whose").querySelectorAll("[data-role]")) option.remove();
  }
  for (const select of [$("whose"), $("peer")]) {
    const offered = new Set([...select.options].map(({ value }) => value));
    for (const { name } of state.processes) {
      if (!offered.has(name)) select.add(new Option(name, name));
    }
  }
  if (lacking.length > 0) showFields();
  const left = groups.filter((group) => !lacking.includes(group)).map(({ label }) => label.toLowerCase());
  setText($("more-faults"), `More faults: ${left.join(", ")}`);
}

// The fields that the chosen fault has, besides those that all have.
function ownFields() {
  const { field = "" } = $("fault").selectedOptions[0].dataset;
  return field.split(" ").filter((name) => name !== "");
}

// Of the fields only those that the chosen fault has. The others are disabled as well: a number that is out of bounds
// where nobody sees it must not keep the form from being sent.
function showFields() {
  const own = ownFields();
  for (const line of document.querySelectorAll("[data-of]")) {
    line.hidden = !own.includes(line.dataset.of);
    line.querySelector("input, select").disabled = line.hidden;
  }
  setText($("whose-label"), own.includes("link") ? "Between" : "Of");
  const chosen = [...$("break").querySelectorAll("select:enabled")].map((select) => select.selectedOptions[0]);
  setText($("fault-says"), chosen.map((option) => option.dataset.says ?? "").join(" ").trim());
}

function chosenFault() {
  const fault = { action: $("fault").value, for_ms: Math.round(Number($("for_s").value) * 1000) };
  for (const name of ownFields()) {
    if (name === "link") fault.link = `${$("whose").value} <-> ${$("peer").value}`;
    else fault[name] = $(name).type === "number" ? Number($(name).value) : $(name).value;
  }
  if (!("link" in fault)) fault.target = $("whose").value;
  return fault;
}

function role({ leads, in_sync: inSync }) {
  if (leads === null) return "";
  const words = [leads ? "◆ leads" : "", inSync === null ? "" : inSync ? "✓ in sync" : "✕ not in sync"];
  return words.filter(Boolean).join(", ");
}

function card(name) {
  const item = document.createElement("li");
  item.id = `process-${name}`;
  const title = document.createElement("h3");
  title.textContent = name;
  item.append(title);
  for (const kind of ["state", "role", "faults", "pid", "buttons"]) {
    const line = document.createElement(kind === "buttons" ? "div" : "p");
    line.className = kind;
    item.append(line);
  }
  for (let count = 0; count < 2; count += 1) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.target = name;
    item.querySelector(".buttons").append(button);
  }
  return item;
}

function offer(button, action) {
  if (button.dataset.action !== action) {
    button.dataset.action = action;
    button.textContent = action[0].toUpperCase() + action.slice(1);
    button.setAttribute("aria-label", `${action} ${button.dataset.target}`);
    button.classList.toggle("harm", action === "kill" || action === "pause");
  }
  allow(button, !isResting(button));
}

function showFigures() {
  const { figures, totals } = state;
  for (const row of document.querySelectorAll("tr[data-op]")) {
    const figure = figures[row.dataset.op];
    const [answered, p50, p99] = row.querySelectorAll("td");
    setText(answered, `${figure.answered}/s`);
    setText(p50, Timeline.latency(figure.p50_us));
    setText(p99, Timeline.latency(figure.p99_us));
  }
  const count = (id, recent, total) => {
    setText($(id), `${recent}/s`);
    setText($(`${id}-total`), `${total} in all`);
    $(id).classList.toggle("bad", recent > 0);
  };
  count("failed", figures.failed, totals.failed);
  count("unknown", figures.unknown, totals.unknown);
  const share = figures.hit_share;
  setText($("hits"), share === null ? "–" : `${Math.round(share * 100)} %`);
  setText($("acknowledged"), `${totals.acknowledged}`);
  setText($("looked-up"), `${totals.looked_up}`);
  setText($("missing"), `${totals.missing}`);
  $("missing").classList.toggle("bad", totals.missing > 0);
  const isBehind = figures.behind_ms >= 1000 && state.load.on && state.load.arrivals !== "closed";
  $("behind").hidden = !isBehind;
  if (isBehind) {
    setText($("behind"), `The load is ${(figures.behind_ms / 1000).toFixed(0)} s behind its schedule: more is asked for than is answered.`);
  }
}

function showLoad() {
  const { load, cache } = state;
  $("load-on").setAttribute("aria-pressed", `${load.on}`);
  setText($("load-on"), load.on ? "Stop the load" : "Start the load");
  const fields = { p: load.p, arrivals: load.arrivals, rate: load.rate_per_s, clients: load.clients };
  for (const [id, value] of Object.entries(fields)) {
    // A user who is typing is not interrupted; elsewhere the field follows, also what others change.
    if (document.activeElement !== $(id) && $(id).value !== `${value}`) $(id).value = `${value}`;
  }
  setText($("p-shown"), $("p").value);
  $("rate").disabled = $("arrivals").value === "closed";
  $("cache-line").hidden = cache === null;
  $("hits-line").hidden = cache === null && state.figures.hit_share === null;
  $("cache").setAttribute("aria-pressed", `${cache}`);
  setText($("cache"), cache ? "Switch the cache off" : "Switch the cache on");
  allow($("cache"), !isResting($("cache")));
}

function showEvents() {
  const { marks, now_ms: now } = state;
  if (marks.length === 0) return;
  const list = $("events");
  const newest = marks.at(-1).number;
  if (list.dataset.newest !== `${newest}`) {
    list.replaceChildren(...marks.toReversed().map((mark) => {
      const item = document.createElement("li");
      const time = document.createElement("time");
      time.dataset.at = mark.at_ms;
      const text = document.createElement("span");
      text.className = mark.kind;
      text.textContent = `${{ fault: "▼ ", mended: "▽ ", leader: "◆ ", setting: "" }[mark.kind]}${mark.text}`;
      item.append(time, text);
      return item;
    }));
    list.dataset.newest = newest;
    speak(marks);
  }
  for (const time of list.querySelectorAll("time")) setText(time, ago(now - time.dataset.at));
}

function ago(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return seconds < 60 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`;
}

// A screen reader is told of new leaders; what was there before the page came is no news.
function speak(marks) {
  // A console that was started anew counts from 1 again.
  if (spokenMark !== null && marks.at(-1).number > spokenMark) {
    const news = marks.filter((mark) => mark.number > spokenMark && mark.kind === "leader");
    if (news.length > 0) setText($("spoken"), news.map((mark) => mark.text).join(". "));
  }
  spokenMark = marks.at(-1).number;
}

// Not with `disabled`, which would take the focus away from a user of the keyboard.
function allow(button, allowed) {
  const refused = `${!allowed}`;
  if (button.getAttribute("aria-disabled") !== refused) button.setAttribute("aria-disabled", refused);
}

function isResting(button) {
  return (resting.get(button) ?? 0) > performance.now();
}

async function press(button, path, body) {
  resting.set(button, Infinity);
  allow(button, false);
  await post(path, body);
  resting.set(button, performance.now() + REST_MS);
  // Other buttons are looked at with every state that comes; this one is offered whatever that says.
  if (button.type === "submit") setTimeout(() => allow(button, true), REST_MS);
}

async function post(path, body) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) say((await response.json()).error.message);
  } catch {
    say("The console did not answer.");
  }
}

function say(text) {
  setText($("said"), text);
  clearTimeout(saidUntil);
  saidUntil = setTimeout(() => setText($("said"), ""), SAID_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  if (button.id === "load-on") post("/load", { on: button.getAttribute("aria-pressed") !== "true" });
  else if (button.id === "cache") press(button, "/cache", { on: button.getAttribute("aria-pressed") !== "true" });
  else if (button.dataset.action) press(button, "/fault", { action: button.dataset.action, target: button.dataset.target });
});

$("break").addEventListener("change", showFields);
$("break").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("begin").getAttribute("aria-disabled") !== "true") press($("begin"), "/fault", chosenFault());
});
$("load").addEventListener("submit", (event) => event.preventDefault());
$("p").addEventListener("input", () => setText($("p-shown"), $("p").value));
$("p").addEventListener("change", () => post("/load", { p: Number($("p").value) }));
$("arrivals").addEventListener("change", () => {
  $("rate").disabled = $("arrivals").value === "closed";
  post("/load", { arrivals: $("arrivals").value });
});
for (const [id, field] of [["rate", "rate_per_s"], ["clients", "clients"]]) {
  $(id).addEventListener("change", () => {
    if ($(id).checkValidity()) post("/load", { [field]: Number($(id).value) });
    else say(`${field}: must be ${$(id).min} to ${$(id).max}`);
  });
}
window.addEventListener("resize", () => state && Timeline.draw($("timeline"), state, buckets));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => state && show());

showFields();
connect();
