// What a term means, where the mouse or the focus is on its link. The theme loads Bootstrap last.
addEventListener("load", () => {
  for (const term of document.querySelectorAll("a.course-term")) {
    new bootstrap.Tooltip(term, { title: term.dataset.meaning, delay: { show: 300, hide: 100 } });
  }
});
