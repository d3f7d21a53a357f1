/**
 * Types shared by the page's modules; checked by `tsc --checkJs`, nothing here runs.
 *
 * Conventions: image positions are (x, y) in pixels of the upright photograph, pixel centres at +0.5; directions are
 * unit vectors (x right, y up, z ahead); angles are radians, yaw right, pitch up; mask 255 = erase.
 *
 * @typedef {[number, number]} Point2 image position in pixels
 * @typedef {[number, number, number]} Vector unit vector of a direction on the sphere
 * @typedef {Point2 | Vector} SurfacePoint a place on whatever is painted on
 * @typedef {[number, number, number, number]} Box left, top, right, bottom; right and bottom exclusive
 *
 * @typedef {object} Version one state of the picture on the server
 * @property {number} number
 * @property {number | null} parent
 * @property {"original" | "erase" | "panorama"} kind
 * @property {Box | null} changed the only region that differs from the parent
 * @property {string[]} notes sentences for the user
 *
 * @typedef {object} Session a picture kept by the server
 * @property {string} id
 * @property {number} width
 * @property {number} height
 * @property {string} format
 * @property {string} mode
 * @property {string} dtype
 * @property {boolean} panorama looks like a full equirectangular panorama
 * @property {string[]} notes
 * @property {number} current number of the version shown
 * @property {Version[]} versions
 *
 * @typedef {object} JobProblem
 * @property {string} [title]
 * @property {string} [detail]
 * @property {string} [kind]
 * @property {number} [status]
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {"queued" | "running" | "done" | "failed" | "cancelled"} state
 * @property {number} place jobs before this one while it waits
 * @property {number} progress 0 to 1
 * @property {string} text
 * @property {JobProblem | null} problem
 * @property {any} result
 * @property {{self: string, events: string, result: string}} urls
 *
 * @typedef {object} Surface what tools paint on: the flat picture or the sphere
 * @property {(x: number, y: number) => SurfacePoint} pointAt stage position in CSS pixels to a place on the surface
 * @property {(point: SurfacePoint) => Point2 | null} toScreen null when it is behind the viewer
 * @property {(radius: number) => number} brushRadius CSS pixels to the surface's unit (image pixels or radians)
 * @property {(edit: import("./tiles.js").Edit, a: SurfacePoint, b: SurfacePoint, ra: number, rb: number, value: number) => void} stroke
 * @property {(edit: import("./tiles.js").Edit, points: SurfacePoint[], value: number) => void} polygon throws `ShapeError`
 * @property {(dx: number, dy: number) => void} panBy CSS pixels
 * @property {(x: number, y: number, factor: number) => void} zoomAt
 * @property {() => void} fit
 * @property {() => void} actualSize
 * @property {() => number} zoom device pixels per image pixel (on the sphere: at the centre of the view)
 */

export {};
