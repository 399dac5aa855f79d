// A group as the API gives it: what the page asks of one, in one place.

/** Cases that wait for somebody. */
export const openOf = (group) => group.counts.admitted;

/** Admissions an hour in the last day, the newest last. */
export const trendOf = (group) => [...group.trend.hours].reverse();

/** "billing 2.4.1", or null. */
export const firstSeenWith = ({ first_seen_with: consumer }) => (consumer
  ? [consumer.name, consumer.version].filter(Boolean).join(' ') : null);
