// What every measured page does with its library: `signIn`, `open` what is stored, ask for a
// `token`. `/name.html` waits to be told; `/name.html?cold` measures itself as soon as it runs.

export function measure({ signIn, open, token }) {
  const cold = async () => {
    const start = performance.now();
    const text = await token(await open());
    const end = performance.now();
    if (typeof text !== "string") throw new Error("no token");
    return { call: end - start, page: end };
  };
  // Milliseconds a call, one call after the other; each run takes at least `least` milliseconds.
  const hot = async (runs, least) => {
    const client = await open();
    const run = async (calls) => {
      const start = performance.now();
      for (let call = 0; call < calls; call += 1) await token(client);
      return performance.now() - start;
    };
    let calls = 1;
    while ((await run(calls)) < least) calls *= 2;
    const times = [];
    while (times.length < runs) times.push((await run(calls)) / calls);
    return times;
  };
  const search = new URLSearchParams(location.search);
  globalThis.bench = { signIn, hot, cold: search.has("cold") ? cold() : undefined };
}

/** Where the page signs in: the tests say it once, and the page keeps it. */
export function provider() {
  const given = new URLSearchParams(location.search).get("provider");
  if (given) localStorage.setItem("provider", given);
  return given ?? localStorage.getItem("provider");
}
