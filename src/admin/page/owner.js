// Whose a failure is, and where it is written what to do about it.

/** Of a group: who has taken the cause on, else who owns its queue: { name, inherited }; null when nobody is named. */
export function ownerOf({ owner, queue_owner: inherited }) {
  return { name: owner || inherited || null, inherited: !owner && Boolean(inherited) };
}

/** Only such an address may become a link: anything else (javascript:, data:) might be run by the browser. */
export const isWebAddress = (text) => /^https?:\/\/[^\s/]/i.test(text ?? '');
