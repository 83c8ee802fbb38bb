// In a worker: prints what it is called.

console.log(`${self.name} worker`);
