/** WebGL2 programme that looks at an equirectangular picture from its middle. */

import { FILM } from "./overlay.js";

const VERTEX = `#version 300 es
void main() {
  // One triangle that covers the screen.
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D picture, original, mask;
uniform mat3 axes;        // right, up, forward
uniform vec2 size;        // of the canvas, device pixels
uniform vec2 reach;       // half the screen at distance 1
uniform float texels;     // width of the picture's texture
uniform float split;      // device pixels; left of it the original shows, negative: nowhere
uniform bool film;
out vec4 colour;
const float PI = 3.14159265358979;

vec2 place(vec2 screen) {
  vec3 way = normalize(axes * vec3((screen / size * 2.0 - 1.0) * reach, 1.0));
  return vec2(atan(way.x, way.z) / (2.0 * PI) + 0.5, 0.5 - asin(clamp(way.y, -1.0, 1.0)) / PI);
}

bool marked(vec2 screen) { return textureLod(mask, place(screen), 0.0).r > 0.5; }

void main() {
  vec2 here = gl_FragCoord.xy;
  vec2 uv = place(here);
  // The level of detail comes from the angle of a pixel: the automatic one would draw a line along the seam.
  float slant = length(vec3((here / size * 2.0 - 1.0) * reach, 1.0));
  float level = log2(max(1.0, 2.0 * reach.y / size.y / slant * texels / (2.0 * PI)));
  vec3 rgb = here.x < split ? textureLod(original, uv, level).rgb : textureLod(picture, uv, level).rgb;
  if (film) {
    rgb = mix(rgb, vec3(${FILM.colour.map((value) => (value / 255).toFixed(4)).join(", ")}), ${FILM.alpha.toFixed(2)} * textureLod(mask, uv, 0.0).r);
    bool inside = marked(here);
    if (inside != marked(here + vec2(1.0, 0.0)) || inside != marked(here + vec2(0.0, 1.0))) rgb = mix(rgb, vec3(1.0), 0.92);
  }
  colour = vec4(rgb, 1.0);
}`;

/**
 * @param {WebGL2RenderingContext} gl
 * @returns {{program: WebGLProgram, at: (name: string) => WebGLUniformLocation | null}}
 */
export function sphereProgram(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of /** @type {[number, string][]} */ ([
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`The 360° view cannot start on this graphics driver: ${gl.getProgramInfoLog(program)}`);
  }
  return { program, at: (name) => gl.getUniformLocation(program, name) };
}
