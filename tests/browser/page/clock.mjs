// A clock that a test can set forward. Imported first, so that nothing reads the real one.

const real = Date.now;
let ahead = 0;

Date.now = () => real() + ahead;

globalThis.advance = (seconds) => {
  ahead += seconds * 1000;
};
