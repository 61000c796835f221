// The order of the hits of a search: what a term means, then the lessons, then the rest, and what only maintainers need.
var Scorer = {
  score([page, , anchor, , score]) {
    if (page === "glossary" && anchor) return score + 40;
    if (/^\d\d_/.test(page)) return score + 20;
    if (page === "changelog" || page === "contributing") return score - 20;
    return score;
  },
  // The rest as Sphinx has it
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
