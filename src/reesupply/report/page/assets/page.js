// Tables sort by a click on a column header: down, up, and back to the order they came in.
(() => {
  "use strict";

  const value = (row, column) => {
    const cell = row.cells[column];
    const key = cell.dataset.key;
    return cell.classList.contains("n") ? (key === "" ? null : Number(key)) : key;
  };

  const compare = (a, b) =>
    typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });

  const sorted = (rows, column, way) =>
    [...rows].sort((one, other) => {
      const a = value(one, column);
      const b = value(other, column);
      if (a === null || b === null) {
        return (a === null) - (b === null); // what is not known comes last, either way
      }
      return way === "ascending" ? compare(a, b) : compare(b, a);
    });

  const prepare = (table) => {
    const body = table.tBodies[0];
    const given = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const order = head.classList.contains("n")
        ? ["descending", "ascending"]
        : ["ascending", "descending"];
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const way = order[order.indexOf(head.getAttribute("aria-sort")) + 1];
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        if (way) {
          head.setAttribute("aria-sort", way);
        }
        body.append(...(way ? sorted(given, column, way) : given));
      });
    });
  };

  document.querySelectorAll("main table").forEach((table) => {
    if (table.tBodies[0].rows.length > 1) {
      prepare(table);
    }
  });
})();
