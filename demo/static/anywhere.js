// A photo may be pasted or dropped anywhere on the page, also while a result is shown.
(() => {
  const input = () => document.querySelector("#photo input[type=file]");
  const picture = (files) => [...(files ?? [])].find((file) => file.type.startsWith("image/"));

  async function offer(file) {
    if (!input()) document.getElementById("another")?.click();
    for (let waited = 0; !input() && waited < 2000; waited += 50) await new Promise((done) => setTimeout(done, 50));
    if (!input()) return;
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input().files = transfer.files;
    input().dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("paste", (event) => {
    const file = picture(event.clipboardData?.files);
    if (file) offer(file);
  });
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (event.defaultPrevented || event.target.closest?.("#photo") || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    offer(picture(event.dataTransfer.files) ?? event.dataTransfer.files[0]);
  });
})();
