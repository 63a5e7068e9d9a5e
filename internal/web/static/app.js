// Adds to the pages what HTML alone cannot do: the live name check, the preview of the tag, and the print button.
// Every page also works without this script.

const askAfter = 250; // milliseconds after the last keystroke
const giveUpAfter = 5000; // milliseconds without an answer

const form = document.getElementById("register");
if (form) {
  checkWhileTyping(form);
  previewTag(form);
}

// The address of a certificate that is worth saving has no "?new".
if (location.search === "?new") history.replaceState(null, "", location.pathname);

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// checkWhileTyping shows the verdict on the name in the field. It disables the button only while the server is known to
// refuse exactly that name, not while a check is in progress or has failed. The server decides; this only saves a round
// trip.
function checkWhileTyping(form) {
  const field = form.elements.pet_name;
  const button = document.getElementById("register_button");
  const region = document.getElementById("pet_name_verdict");
  const suggestions = document.getElementById("pet_name_suggestions");
  let timer;
  let question; // the AbortController of the check in progress
  let answered; // the name that the displayed verdict is about

  // Without a script, suggestions submit the form, and Enter needs a submit button before them. With this script,
  // neither is needed.
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

  // steadily changes what is above the button and scrolls so that the button keeps its place on the screen: the user
  // may be about to press it. While the name field has the focus, the page does not scroll, so the field keeps its place.
  function steadily(change) {
    const before = button.getBoundingClientRect().top;
    change();
    if (document.activeElement !== field) scrollBy(0, button.getBoundingClientRect().top - before);
  }

  // say updates the region only if its text differs, because screen readers announce every change.
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
    words.normalize(); // drops the text node of an empty message
    if (!words.isEqualNode(region)) region.replaceChildren(...words.childNodes);
  }

  // suggest shows a button for each name. Buttons that are already there stay, as one of them may have the focus.
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

  // address returns the URL of the check. It includes the colour and the category, which improve the suggestions.
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
      // Offline, timed out, or aborted by a newer check.
    }
    if (mine !== question || field.value !== name) return; // stale
    if (!verdict && answered === name) return; // keep the verdict that is shown
    answered = verdict && name;
    if (!verdict) {
      show("unknown", "The name can’t be checked right now. You can still register.");
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

  // Moving the focus would open the keyboard of a touch screen. With a mouse, a keyboard or a screen reader, the user
  // continues from the chosen name.
  suggestions.addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    field.value = chosen.value;
    if (event.pointerType !== "touch") field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    changed(0);
  });

  // While the form is being submitted, a check could find the name taken by the pet that is being registered.
  form.addEventListener("submit", stop);

  // The field may already have a name: restored by the browser after a reload or on going back, or sent by the server
  // with a refused form.
  window.addEventListener("pageshow", () => {
    if (field.value.trim() !== "") changed(0);
  });
}

function element(name, ...content) {
  const e = document.createElement(name);
  e.append(...content);
  return e;
}

// previewTag draws the collar tag from the fields of the form.
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
    const word = Math.max(...name.split(" ").map((w) => [...w].length));
    return length <= 6 ? "l" : length <= 12 && word <= 8 ? "m" : length <= 24 && word <= 12 ? "s" : "xs";
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
