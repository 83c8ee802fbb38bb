/**
 * Calls `show` with the seconds left at once, then at every turn of a second until none is left.
 * The result stops it.
 */
export function countdown(until: Date, show: (secondsLeft: number) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const turn = () => {
    const left = Math.max(0, until.getTime() - Date.now());
    show(Math.ceil(left / 1000));
    if (left > 0) timer = setTimeout(turn, left % 1000 || 1000);
  };
  turn();
  return () => clearTimeout(timer);
}

/** `4:05`, or `2 h 07 min`. */
export function clockText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds >= 3600) {
    return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
  }
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}
