// Opens a GLB with three.js's own loader and says what is seen from the camera in the file: for glb-viewer.test.ts.
import {
  AmbientLight,
  AnimationMixer,
  DirectionalLight,
  LinearSRGBColorSpace,
  MeshBasicMaterial,
  Vector3,
  WebGLRenderer,
} from 'three';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';

/** Long arrays as text: thousands of numbers one by one take seconds to cross over. */
function base64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

/** `state`: an animation of the file to show at `time` in seconds, null as it opens. `lit`: with lights, for people. */
window.view = async (url, { width, height, state, time, lit }) => {
  const { scene, cameras, animations } = await new GLTFLoader().loadAsync(url);
  const camera = cameras[0];
  const mixer = new AnimationMixer(scene);
  if (state) {
    mixer.clipAction(animations.find((clip) => clip.name === state)).play();
    mixer.setTime(time);
  }
  let mesh = null;
  scene.traverse((object) => {
    if (object.isSkinnedMesh) mesh = object;
  });
  if (lit) {
    const lamp = new DirectionalLight(0xffffff, 2.5);
    lamp.position.set(0.4, 0.6, 1);
    scene.add(lamp, new AmbientLight(0xffffff, 0.8));
  } else {
    // The texture's colours as they are: sampled without conversion, written without conversion.
    const { map } = mesh.material;
    if (map) map.colorSpace = '';
    mesh.material = new MeshBasicMaterial({ map, side: mesh.material.side });
  }
  const renderer = new WebGLRenderer({ alpha: true, antialias: true, preserveDrawingBuffer: true });
  if (!lit) renderer.outputColorSpace = LinearSRGBColorSpace;
  renderer.setPixelRatio(1);
  renderer.setSize(width, height);
  document.body.replaceChildren(renderer.domElement);
  renderer.render(scene, camera);

  const gl = renderer.getContext();
  const pixels = new Uint8Array(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  const points = [];
  const p = new Vector3();
  for (let i = 0; i < mesh.geometry.attributes.position.count; i++) {
    mesh.getVertexPosition(i, p).applyMatrix4(mesh.matrixWorld).project(camera);
    points.push(((p.x + 1) / 2) * width, ((1 - p.y) / 2) * height);
  }
  return {
    camera: camera.type,
    animations: animations.map((clip) => clip.name),
    morphs: Object.keys(mesh.morphTargetDictionary ?? {}),
    bones: mesh.skeleton.bones.map((bone) => bone.name),
    pixels: base64(pixels),
    points: base64(new Uint8Array(Float32Array.from(points).buffer)),
  };
};
document.title = 'ready';
