// A group as the API gives it: what the page asks of one, in one place.

/** Cases that wait for somebody. */
export const openOf = (group) => group.admitted ?? group.counts?.admitted ?? group.count ?? 0;

/** Admissions an hour, the newest last. */
export const trendOf = (group) => group.trend?.hours ?? group.hours ?? group.hourly ?? [];
