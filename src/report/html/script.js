"use strict";
(() => {
  const cells = JSON.parse(document.getElementById("data").textContent).cells;
  const dialog = document.getElementById("case");
  const body = document.getElementById("case-body");
  // What stands between backticks is code, as everywhere in the page.
  const fill = (element, text) => {
    const parts = text.split("`");
    if (parts.length % 2 === 0) element.textContent = text;
    else parts.forEach((part, place) => {
      if (place % 2) element.appendChild(document.createElement("code")).textContent = part;
      else element.append(part);
    });
  };
  const make = (name, text, parent) => {
    const element = document.createElement(name);
    if (text) fill(element, text);
    parent.append(element);
    return element;
  };
  const list = (title, lines, parent) => {
    if (!lines) return;
    make("h3", title, parent);
    const ul = make("ul", "", parent);
    for (const line of lines) make("li", line, ul);
  };
  const show = (one) => {
    const part = make("section", "", body);
    if (one.name) make("h3", one.name, part).className = "name";
    make("p", `${one.status}: ${one.detail}`, part).className = "detail";
    if (one.what) make("p", one.what, part);
    if (one.cause) {
      const link = make("a", `Explained by cause ${one.cause}`, make("p", "", part));
      link.href = `#cause-${one.cause}`;
      link.addEventListener("click", () => dialog.close());
    }
    if (one.probes) {
      make("h3", "Attempts", part);
      const dl = make("dl", "", part);
      for (const [path, seen] of one.probes) {
        make("dt", path, dl);
        make("dd", seen, dl);
      }
    }
    list("Evidence", one.evidence, part);
    if (one.reproduce) {
      make("h3", "Reproduce", part);
      for (const line of one.reproduce) {
        if (line.startsWith("# ")) make("p", line.slice(2), part);
        else make("code", "", make("pre", "", part)).textContent = line;
      }
    }
    list("Fix", one.fix, part);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-c]");
    if (button) {
      const cell = cells[button.dataset.c];
      document.getElementById("case-title").textContent = cell.title;
      dialog.className = cell.status[1];
      body.replaceChildren();
      if (cell.tally) make("p", cell.tally + (cell.cases[0].status === "passed" ? ", for example:" : ""), body);
      cell.cases.forEach(show);
      if (cell.more) make("p", `and ${cell.more} more`, body);
      dialog.showModal();
      dialog.scrollTop = 0;
    } else if (event.target === dialog) {
      dialog.close();
    }
  });
  // Arrow keys lead from cell to cell, as in a spreadsheet.
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  document.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const td = event.target.closest("td");
    if (!step || !td || !event.target.matches("button[data-c]")) return;
    const row = td.parentElement;
    const next = row.parentElement.rows[row.sectionRowIndex + step[0]]?.cells[td.cellIndex + step[1]];
    const button = next?.querySelector("button");
    if (button) {
      event.preventDefault();
      button.focus();
    }
  });
})();
