// Numbers, times and names as people read them. Nothing here draws.
const whole = new Intl.NumberFormat('en');
const exactLocal = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium', timeStyle: 'medium',
});

export const count = (n) => whole.format(n ?? 0);

/** "1 case", "312 cases". */
export function some(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Of many: 12,345 -> "12.3 k"; below ten thousand exactly. */
export function short(n) {
  if (n < 10000) return count(n);
  if (n < 999500) return `${(n / 1000).toPrecision(3)} k`;
  return `${(n / 1000000).toPrecision(3)} M`;
}

export function rate(perSecond) {
  if (perSecond === undefined) return '–';
  if (perSecond === 0) return '0';
  if (perSecond < 10) return perSecond.toFixed(1);
  return short(Math.round(perSecond));
}

export function duration(ms) {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Roughly, for ages: "just now", "12 s", "5 min", "3 h", "9 d". */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** In the viewer's zone and in UTC. */
export function exact(text) {
  return `${exactLocal.format(new Date(text))} here, ${text.replace('T', ' ').replace(/Z$/, '')} UTC`;
}

export const clock = (text) => new Date(text).toLocaleTimeString('en-GB');

export function bytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1048576) return `${(n / 1024).toFixed(1)} KiB`;
  if (n < 1073741824) return `${(n / 1048576).toFixed(1)} MiB`;
  return `${(n / 1073741824).toFixed(1)} GiB`;
}

/** attempts_exhausted -> "attempts exhausted". */
export const words = (code) => (code ?? '').replaceAll('_', ' ');

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
