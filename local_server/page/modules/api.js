/** The daemon's HTTP interface, as far as the page uses it. The login is a cookie, which the browser sends by itself. */

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Box} Box */

const LOGIN = "You are not logged in. Open the link that “vanisher serve” prints; running it again prints a fresh one.";
const UNREACHABLE = "The Vanisher daemon does not answer. Start it with “vanisher serve”, then try again.";

/** An answer that is no success; the message is for the user. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {number} status HTTP status, 0 when nothing answered
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} a successful answer
 * @throws {Problem}
 */
export async function request(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(UNREACHABLE, 0);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  if (response.status === 401) throw new Problem(LOGIN, 401);
  throw new Problem(told.detail || told.title || `The daemon answered ${response.status}.`, response.status);
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
const json = async (path, init) => (await request(path, init)).json();

/**
 * @param {Record<string, string | number | Blob | undefined>} fields undefined ones are left out
 * @returns {FormData}
 */
function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Blob) data.append(name, value, name);
    else if (value !== undefined) data.append(name, String(value));
  }
  return data;
}

/**
 * @param {Blob} image
 * @returns {Promise<Session>}
 */
export const openSession = (image) => json("/v1/sessions", { method: "POST", body: form({ image }) });

/**
 * @param {string} id
 * @returns {Promise<Session>}
 */
export const getSession = (id) => json(`/v1/sessions/${id}`);

/** @param {string} id */
export const closeSession = (id) => request(`/v1/sessions/${id}`, { method: "DELETE", keepalive: true });

/**
 * @param {string} id
 * @param {number} version
 * @returns {Promise<Session>}
 */
export const chooseVersion = (id, version) =>
  json(`/v1/sessions/${id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ current: version }),
  });

/**
 * @param {string} id
 * @param {{mask: Blob, version: number, grow?: number, feather?: number, seed: number, panorama?: string, relight?: string}} fields
 * @returns {Promise<Job>}
 */
export const startErase = (id, fields) => json(`/v1/sessions/${id}/erase`, { method: "POST", body: form(fields) });

/**
 * @param {string} id
 * @param {{classes: string, version: number, panorama?: string}} fields
 * @returns {Promise<Job>}
 */
export const startSegment = (id, fields) => json(`/v1/sessions/${id}/segment`, { method: "POST", body: form(fields) });

/** @param {Job} job */
export const cancelJob = (job) => request(job.urls.self, { method: "DELETE" });

/**
 * @param {string} id
 * @param {number} version
 * @param {Box} box
 * @param {number} longest
 */
export const viewUrl = (id, version, [left, top, right, bottom], longest) =>
  `/v1/sessions/${id}/versions/${version}/view?left=${left}&top=${top}&width=${right - left}&height=${bottom - top}&longest=${longest}`;

/**
 * @param {string} id
 * @param {number} version
 * @param {string} format "" = as the source
 */
export const fileUrl = (id, version, format) =>
  `/v1/sessions/${id}/versions/${version}/file${format ? `?format=${format}` : ""}`;

/**
 * Follows a job to its end through its events.
 *
 * @param {Job} job
 * @param {(job: Job) => void} onChange
 * @returns {Promise<Job>} state done, failed or cancelled
 * @throws {Problem} when the daemon is gone
 */
export function followJob(job, onChange) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(job.urls.events);
    events.addEventListener("job", (event) => {
      const now = /** @type {Job} */ (JSON.parse(event.data));
      onChange(now);
      if (now.state === "queued" || now.state === "running") return;
      events.close();
      resolve(now);
    });
    events.addEventListener("error", () => {
      if (events.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      json(job.urls.self).then(resolve, reject);
    });
  });
}
