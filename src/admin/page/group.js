// A group as the API gives it: what the page asks of one, in one place.

/** Cases that wait for somebody. */
export const openOf = (group) => group.counts.admitted;

/** Admissions an hour in the last day, the newest last. */
export const trendOf = (group) => [...group.trend.hours].reverse();

/** "billing 2.4.1", or null. */
export const firstSeenWith = ({ first_seen_with: consumer }) => (consumer
  ? [consumer.name, consumer.version].filter(Boolean).join(' ') : null);

// --- Snoozes -------------------------------------------------------------------------------------------------------

export const AS_IT_IS = 'keep';
const HOUR_MS = 3600000;
const AWAKE = { snoozed_until: null, snoozed_until_version: null, snoozed_until_rate: null };

/** It is snoozed, or was and has not been since. */
export const hasSnooze = (group) => group.snoozed || Boolean(group.woken_at);

/**
 * A snooze as the form has it: `span` in hours ("": no time ends it), `version` and `rate`. What is left of one that is
 * over is not in it: the broker does not count that either.
 */
export const snoozeOf = (group) => ({
  span: group.snoozed && group.snoozed_until ? AS_IT_IS : '',
  version: (group.snoozed && group.snoozed_until_version) || '',
  rate: (group.snoozed && group.snoozed_until_rate) || '',
});

/** The fields of patchGroup that make `wanted` of what it was; none when it is the same. `now`: of the broker, ms. */
export function snoozeFields(group, wanted, now) {
  const was = snoozeOf(group);
  const is = { span: wanted.span, version: wanted.version.trim(), rate: wanted.rate.trim() };
  if (is.span === was.span && is.version === was.version && is.rate === was.rate) return {};
  if (!is.span && !is.version && !is.rate) return AWAKE;
  const until = is.span ? new Date(now + Number(is.span) * HOUR_MS).toISOString() : null;
  return {
    ...is.span !== was.span && { snoozed_until: until },
    ...is.version !== was.version && { snoozed_until_version: is.version || null },
    ...is.rate !== was.rate && { snoozed_until_rate: is.rate || null },
  };
}

/** "100/h" -> "100 cases an hour"; as it is, when it is no rate. */
export function rateWords(rate) {
  const [, cases, per] = /^(\d+)\/([hm])$/.exec(rate) ?? [];
  if (!per) return rate;
  return `${cases} ${cases === '1' ? 'case' : 'cases'} ${per === 'h' ? 'an hour' : 'a minute'}`;
}

/** "rate 100/h" -> "100 cases an hour"; "time" and "version 2.4.2" are words already. */
export const wokenBy = (text) => (text?.startsWith('rate ') ? rateWords(text.slice('rate '.length)) : text);
