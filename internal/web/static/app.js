// What the pages do beyond what HTML does: the live check of a name, the
// preview of the tag, and printing. Without it every page still does its job.

const askAfter = 250; // milliseconds after the last key
const giveUpAfter = 5000; // milliseconds without an answer

const form = document.getElementById("register");
if (form) {
  checkWhileTyping(form);
  previewTag(form);
}

// The address of a certificate, for keeping, is the one without "new".
if (location.search === "?new") history.replaceState(null, "", location.pathname);

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Shows the verdict on the name in the field, and disables the button while
// that very name is known to be refused: not while asking, and not when there
// is no answer. The server decides; this only saves a round trip.
function checkWhileTyping(form) {
  const field = form.elements.pet_name;
  const button = document.getElementById("register_button");
  const region = document.getElementById("pet_name_verdict");
  const suggestions = document.getElementById("pet_name_suggestions");
  let timer;
  let question; // the AbortController of the question under way
  let answered; // the name that the verdict shown is about

  // What a page without scripts needs: suggestions that are asked for, and a
  // button before them that Enter presses.
  document.getElementById("default_button")?.remove();
  for (const s of suggestions.children) s.type = "button";

  function show(status, message, holder, names = []) {
    const refused = !["", "available", "unknown"].includes(status);
    button.disabled = refused;
    if (refused) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    if (status) region.dataset.status = status;
    else delete region.dataset.status;
    steadily(() => {
      say(message, holder, names.length > 0);
      suggest(names);
    });
  }

  // Makes a change above the button and lets the button, which a finger may be
  // on its way to, stay where it is on the screen. Whoever is typing the name
  // looks at the name: that stays then.
  function steadily(change) {
    const before = button.getBoundingClientRect().top;
    change();
    if (document.activeElement !== field) scrollBy(0, button.getBoundingClientRect().top - before);
  }

  // Puts the words into the region if they are others: it is read aloud when it
  // changes.
  function say(message, holder, suggesting) {
    const words = region.cloneNode(false);
    words.append(message);
    if (holder) {
      const link = element("a", "Meet ", element("bdi", holder.name));
      link.href = holder.url;
      words.append(" ", link);
    }
    if (suggesting) {
      const invitation = element("span", "Try one of these:");
      invitation.id = "pet_name_try";
      words.append(holder ? ". " : " ", invitation);
    }
    words.normalize(); // no words are no node
    if (!words.isEqualNode(region)) region.replaceChildren(...words.childNodes);
  }

  // Puts up a button for each name, unless they are there: one may have the
  // focus.
  function suggest(names) {
    const shown = [...suggestions.children].map((s) => s.value);
    if (names.join("\n") !== shown.join("\n")) {
      suggestions.replaceChildren(...names.map((name) => {
        const s = element("button", element("bdi", name));
        s.className = "suggestion";
        s.type = "button";
        s.value = name;
        return s;
      }));
    }
    suggestions.hidden = names.length === 0;
  }

  // The colour and the category make for better suggestions.
  function address(name) {
    const query = new URLSearchParams({ pet_name: name });
    const typed = new FormData(form);
    for (const more of ["pet_favorite_color", "pet_category"]) {
      if (typed.get(more)) query.set(more, typed.get(more));
    }
    return "/check_pet_name?" + query;
  }

  async function ask(name) {
    question = new AbortController();
    const mine = question;
    let verdict;
    try {
      const response = await fetch(address(name), {
        headers: { Accept: "application/json" },
        signal: AbortSignal.any([mine.signal, AbortSignal.timeout(giveUpAfter)]),
      });
      if (response.ok) verdict = await response.json();
    } catch {
      // Offline, too slow, or overtaken by a newer question.
    }
    if (mine !== question || field.value !== name) return; // a stale answer
    if (!verdict && answered === name) return; // what was said of it stands
    answered = verdict && name;
    if (!verdict) {
      show("unknown", "The name can’t be checked right now. You can register all the same.");
    } else if (verdict.available) {
      show("available", verdict.message);
    } else {
      const status = ["taken", "similar", "reserved"].includes(verdict.reason) ? verdict.reason : "not_allowed";
      show(status, verdict.message, verdict.conflicts_with, verdict.suggestions);
    }
  }

  function stop() {
    clearTimeout(timer);
    question?.abort();
    question = undefined;
  }

  function changed(delay) {
    stop();
    const name = field.value;
    if (name.trim() === "") {
      show("", "");
      return;
    }
    timer = setTimeout(() => ask(name), delay);
  }

  form.addEventListener("input", (event) => {
    if (event.target === field) {
      answered = undefined;
      show("", "");
      changed(askAfter);
    } else if (!suggestions.hidden) {
      changed(askAfter);
    }
  });

  // A finger stays where it is; whoever comes by keyboard, or is read to, goes
  // on from the name that they chose.
  suggestions.addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    field.value = chosen.value;
    if (event.pointerType !== "touch") field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    changed(0);
  });

  // An answer that came while the form is on its way would find the name taken
  // by the very pet that is being registered.
  form.addEventListener("submit", stop);

  // The browser may have put a name back: after a reload, on going back, or
  // because the server refused it.
  window.addEventListener("pageshow", () => {
    if (field.value.trim() !== "") changed(0);
  });
}

function element(name, ...content) {
  const e = document.createElement(name);
  e.append(...content);
  return e;
}

// Draws the tag as it would look.
function previewTag(form) {
  const tag = document.getElementById("preview");
  const engraving = document.getElementById("preview_name");
  const swatches = [...tag.querySelectorAll(".tag__enamel"), ...form.querySelectorAll(".swatch circle")];
  const known = new Set([...document.querySelectorAll("#colors option")].map((o) => keyword(o.value)));

  function keyword(color) {
    return color.toLowerCase().replace(/\s+/g, "").replace("gray", "grey");
  }

  function size(name) {
    const length = [...name].length;
    return length <= 6 ? "l" : length <= 12 ? "m" : length <= 24 ? "s" : "xs";
  }

  function draw() {
    const name = form.elements.pet_name.value.trim().replace(/\s+/g, " ");
    engraving.textContent = name || "Your pet";
    tag.dataset.size = size(engraving.textContent);
    const color = keyword(form.elements.pet_favorite_color.value);
    for (const s of swatches) {
      if (known.has(color)) s.setAttribute("fill", color);
      else s.removeAttribute("fill");
    }
    tag.dataset.category = form.querySelector("[name=pet_category]:checked")?.dataset.category ?? "";
  }

  form.addEventListener("input", draw);
  window.addEventListener("pageshow", draw);
}
