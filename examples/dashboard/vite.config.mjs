import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // Nothing may become a data: URL, which the content security policy would have to allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "popup.html"] },
  },
});
