// Every table of the report sorted by any of its columns; without this, tables stay as they are.
// A click on a heading sorts upwards, the next one downwards, a third restores the report's order.
"use strict";
const directions = ["ascending", "descending", "none"];

const severities = ["high", "medium", "low"];

// The number that a cell begins with ("+0.42 [0.31, 0.53]"), or null; severities come in order.
function leading(text) {
  if (severities.includes(text)) return severities.indexOf(text);
  const found = /^(?:mean\s)?([+\-\u2212]?\d[\d,]*(?:\.\d+)?(?:e[+\-]?\d+)?)/i.exec(text);
  return found ? Number(found[1].replace(/,/g, "").replace("\u2212", "-")) : null;
}

// What was not measured comes last in both directions, and so does text in a column of numbers.
function sorted(rows, column, sign) {
  const texts = new Map(rows.map((row) => [row, row.cells[column].textContent.trim()]));
  const unknown = (row) => ["", "-", "not measured", "unknown"].includes(texts.get(row));
  const known = rows.filter((row) => !unknown(row));
  const numbers = new Map(known.map((row) => [row, leading(texts.get(row))]));
  const counted = known.filter((row) => numbers.get(row) !== null);
  const numeric = counted.length * 2 > known.length;
  const first = (numeric ? counted : known).sort((a, b) => sign * (numeric
    ? numbers.get(a) - numbers.get(b)
    : texts.get(a).localeCompare(texts.get(b), "en", { numeric: true })));
  return [...first, ...rows.filter((row) => !first.includes(row))];
}

for (const table of document.querySelectorAll("table")) {
  const [body] = table.tBodies;
  if (!body || body.rows.length < 2) continue;
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (head.querySelector("a")) return; // a link cannot be followed inside a button
    const button = document.createElement("button");
    button.type = "button";
    if (!head.textContent.trim()) button.setAttribute("aria-label", "Sort by the first column");
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const before = directions.indexOf(head.getAttribute("aria-sort"));
      const direction = directions[(before + 1) % directions.length];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", direction);
      body.append(...(direction === "none" ? original
        : sorted(original, column, direction === "ascending" ? 1 : -1)));
    });
  });
}
