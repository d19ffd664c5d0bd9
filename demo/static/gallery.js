// `element` and `trigger` come from gr.HTML; `index` is checked again on the server.
for (const button of element.querySelectorAll("[data-example]")) {
  button.addEventListener("click", () => {
    trigger("click", { index: Number(button.dataset.example) });
    document.getElementById("masthead")?.scrollIntoView({ behavior: "smooth", block: "start" });
  });
}
