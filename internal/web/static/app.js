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
  const button = form.querySelector("[type=submit]");
  const region = document.getElementById("pet_name_verdict");
  let timer;
  let question; // the AbortController of the question under way

  function show(status, message, holder) {
    const refused = status === "taken" || status === "not_allowed";
    button.disabled = refused;
    if (refused) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    if (status) region.dataset.status = status;
    else delete region.dataset.status;
    region.textContent = message;
    if (holder) {
      const link = document.createElement("a");
      const name = document.createElement("bdi");
      name.textContent = holder.name;
      link.href = holder.url;
      link.append("Meet ", name);
      region.append(" ", link);
    }
  }

  async function ask(name) {
    question = new AbortController();
    const mine = question;
    let verdict;
    try {
      const response = await fetch("/check_pet_name?" + new URLSearchParams({ pet_name: name }), {
        headers: { Accept: "application/json" },
        signal: AbortSignal.any([mine.signal, AbortSignal.timeout(giveUpAfter)]),
      });
      if (response.ok) verdict = await response.json();
    } catch {
      // Offline, too slow, or overtaken by a newer question.
    }
    if (mine !== question || field.value !== name) return; // a stale answer
    if (!verdict) {
      show("unknown", "The name can’t be checked right now. You can register all the same.");
    } else if (verdict.available) {
      show("available", verdict.message);
    } else {
      show(verdict.reason === "taken" ? "taken" : "not_allowed", verdict.message, verdict.conflicts_with);
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

  field.addEventListener("input", () => {
    show("", "");
    changed(askAfter);
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
