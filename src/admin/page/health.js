// How a queue or subscription is, in a word: from its row of the overview. What is worst first.
import { age, bytes, count, some } from './format.js';

const AGEING_MS = 5 * 60000;

const plural = (n, text) => `${count(n)} ${n === 1 ? 'message' : 'messages'} ${text}`;

/** How much of its budget a hospital keeps, in percent: 100 only when it is full. null: it has no budget. */
export function percentKept(one) {
  if (!(one.hospital_max_bytes > 0)) return null;
  const percent = Math.floor(100 * one.hospital_bytes / one.hospital_max_bytes);
  return one.hospital_level === 'full' ? percent : Math.min(percent, 99);
}

const kept = (row) => `its cases keep ${bytes(row.hospital_bytes)} of messages, of ${bytes(row.hospital_max_bytes)} `
  + 'that they may';

/** { rank, tone, icon, word, sentence }: rank 0 is fine; the higher the worse. */
export function healthOf(row, now) {
  const backlog = row.ready + row.held;
  const oldest = row.oldest_ready_at ? now - Date.parse(row.oldest_ready_at) : 0;
  if (row.breaker === 'open') {
    return { rank: 6, tone: 'bad', icon: 'warn', word: 'breaker open',
      sentence: `The breaker of ${row.name} is open: too much failed.` };
  }
  if (row.hospital_level === 'full') {
    return { rank: 6, tone: 'bad', icon: 'warn', word: 'hospital full',
      sentence: `The hospital of ${row.name} is full: ${kept(row)}. Nothing is granted but replays.` };
  }
  const stuck = row.paused || (row.ready > 0 && row.consumer_count === 0); // then that is what is to be done
  if (row.breaker === 'half_open' && !stuck) {
    return { rank: 5, tone: 'warn', icon: 'warn', word: 'breaker trying',
      sentence: `The breaker of ${row.name} lets one message at a time through.` };
  }
  if (row.paused && backlog > 0) {
    return { rank: 4, tone: 'warn', icon: 'pause', word: 'paused', sentence: `${row.name} is paused, ${plural(backlog,
      backlog === 1 ? 'waits' : 'wait')}.` };
  }
  if (row.paused) return { rank: 1, tone: 'calm', icon: 'pause', word: 'paused' };
  if (row.ready > 0 && row.consumer_count === 0) {
    return { rank: 5, tone: 'bad', icon: 'none', word: 'nobody consuming',
      sentence: `Nobody consumes from ${row.name}: ${plural(row.ready, row.ready === 1 ? 'waits' : 'wait')}.` };
  }
  if (row.hospital_level === 'filling') {
    return { rank: 4, tone: 'warn', icon: 'case', word: 'hospital fills',
      sentence: `The hospital of ${row.name} fills: ${kept(row)}.` };
  }
  if (oldest > AGEING_MS) {
    return { rank: 4, tone: 'warn', icon: 'wait', word: 'ageing',
      sentence: `The oldest message of ${row.name} waits for ${age(oldest)}.` };
  }
  if (row.suspects > 0) return { rank: 3, tone: 'warn', icon: 'warn', word: 'isolating', sentence: null };
  if (row.waiting > 0) return { rank: 3, tone: 'warn', icon: 'back', word: 'retrying', sentence: null };
  if (row.in_hospital > 0) {
    return { rank: 2, tone: 'calm', icon: 'case', word: 'open cases',
      sentence: `${row.name} has ${some(row.in_hospital, 'open case')}.` };
  }
  return { rank: 0, tone: 'good', icon: 'good', word: 'fine' };
}

export const addressOf = (row) => `/${row.kind === 'subscription' ? 'subscriptions'
  : 'queues'}/${encodeURIComponent(row.name)}`;
