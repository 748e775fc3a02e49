"""Shows a head exported by Photofit in Blender exactly as its photo shows it, and renders that over the photo.

    blender --background --factory-startup --python examples/blender_overlay.py -- \
        out/me/head.glb --photo me.jpg --out overlay.png [--state photo|neutral] [--save me.blend]

Needs Blender 3.0 or newer. Everything comes out of the GLB: mesh, skin, joints and expressions are glTF; the camera is
a glTF camera whose extras hold the photo's size, focal length and principal point in pixels; the light is in the extras
of the scene as 9 x 3 spherical-harmonics coefficients. Photofit multiplies albedo and shading as sRGB-encoded values
(docs/conventions.md), which no lamp of Blender does: so the skin gets a material of its own here, an emission of

    albedo(uv) * sum_k light_k * B_k(n),    n = the surface normal in camera space

made of shader nodes, and the picture is written without colour management. Use `--no-light` to keep Blender's own
material, and put up lamps of your own.
"""

import argparse
import math
import os
import sys

import bpy
import numpy

# The importer of Blender 3.4 uses a name that NumPy 1.24 dropped; Debian 12 ships the two together.
if "bool" not in numpy.__dict__:
    numpy.bool = bool

# Constants of the nine basis functions, as in src/light/sh.ts.
SH = (
    1 / math.sqrt(4 * math.pi),
    *(3 * (2 * math.pi / 3 * math.sqrt(3 / (4 * math.pi)),)),
    *(3 * (math.pi / 4 * 3 * math.sqrt(5 / (12 * math.pi)),)),
    math.pi / 4 * 3 / 2 * math.sqrt(5 / (12 * math.pi)),
    math.pi / 4 / 2 * math.sqrt(5 / (4 * math.pi)),
)


def arguments():
    own = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser(prog="blender ... blender_overlay.py --", description=__doc__.split("\n")[0])
    parser.add_argument("glb", help="head.glb of a fit, or a GLB of `photofit export`")
    parser.add_argument("--photo", help="the photo that was fitted, upright; without it the ground is transparent")
    parser.add_argument("--out", default="overlay.png", help="PNG file to write")
    parser.add_argument("--state", choices=["photo", "neutral"], default="photo")
    parser.add_argument("--samples", type=int, default=16, help="samples per pixel")
    parser.add_argument("--no-light", action="store_true", help="keep the material of the file")
    parser.add_argument("--save", help="also save the scene as a .blend file")
    return parser.parse_args(own)


def extras(owner):
    """Photofit's extras of an object, camera or scene; an empty dictionary where there are none."""
    found = owner.get("photofit")
    return found.to_dict() if hasattr(found, "to_dict") else (found or {})


def set_state(name):
    """Makes every action of the animation `name` the active one. The importer puts each into a track of that name."""
    for owner in [*bpy.data.objects, *[key for key in bpy.data.shape_keys]]:
        data = owner.animation_data
        if not data:
            continue
        data.action = None
        for track in data.nla_tracks:
            track.mute = track.name != name
            track.is_solo = False
    bpy.context.scene.frame_set(1)


def set_camera(scene, camera_object):
    """Exactly the photo's camera, whose principal point may lie anywhere: from the pixels in the extras."""
    camera = camera_object.data
    view = extras(camera) or extras(camera_object)
    if not view:
        sys.exit("the camera in the file is not Photofit's: export the head with a newer photofit")
    width, height = int(view["width"]), int(view["height"])
    cx, cy = view["principal"]
    scene.camera = camera_object
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1
    longer = max(width, height)
    camera.sensor_fit = "HORIZONTAL" if width >= height else "VERTICAL"
    if "focal" in view:
        camera.type = "PERSP"
        sensor = camera.sensor_width if width >= height else camera.sensor_height
        camera.lens = view["focal"] * sensor / longer
    else:
        camera.type = "ORTHO"
        camera.ortho_scale = longer / view["scale"]
    # Shifts are in units of the longer side; pixels have v down.
    camera.shift_x = (width / 2 - cx) / longer
    camera.shift_y = (cy - height / 2) / longer


def lit_material(material, light):
    """Replaces the surface of `material` by the fit's shading; `light` is 9 rows of RGB."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    image = next((node.image for node in nodes if node.type == "TEX_IMAGE"), None)
    nodes.clear()

    def math_node(operation, a, b):
        node = nodes.new("ShaderNodeMath")
        node.operation = operation
        for slot, value in zip(node.inputs, (a, b)):
            if isinstance(value, (int, float)):
                slot.default_value = value
            else:
                links.new(value, slot)
        return node.outputs[0]

    def vector_node(operation, a, b=None, scale=None):
        node = nodes.new("ShaderNodeVectorMath")
        node.operation = operation
        for slot, value in zip(node.inputs, (a, b)):
            if isinstance(value, tuple):
                slot.default_value = value
            elif value is not None:
                links.new(value, slot)
        if scale is not None:
            links.new(scale, node.inputs["Scale"])
        return node.outputs[0]

    turn = nodes.new("ShaderNodeVectorTransform")
    turn.vector_type, turn.convert_from, turn.convert_to = "NORMAL", "WORLD", "CAMERA"
    links.new(nodes.new("ShaderNodeNewGeometry").outputs["Normal"], turn.inputs[0])
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(turn.outputs[0], split.inputs[0])
    x, y = split.outputs[0], split.outputs[1]
    # Camera space of Blender's shaders has z away from the viewer, ours towards.
    z = math_node("MULTIPLY", split.outputs[2], -1)
    product = lambda a, b: math_node("MULTIPLY", a, b)
    basis = [
        None,
        x,
        y,
        z,
        product(x, y),
        product(x, z),
        product(y, z),
        math_node("SUBTRACT", product(x, x), product(y, y)),
        math_node("SUBTRACT", product(product(z, z), 3), 1),
    ]
    shading = tuple(SH[0] * c for c in light[0])
    for k in range(1, 9):
        term = vector_node("SCALE", tuple(SH[k] * c for c in light[k]), scale=basis[k])
        shading = vector_node("ADD", term, shading)

    colour = shading
    if image:
        # Encoded values, as they are in the file.
        image.colorspace_settings.name = "Non-Color"
        texture = nodes.new("ShaderNodeTexImage")
        texture.image, texture.extension = image, "EXTEND"
        colour = vector_node("MULTIPLY", texture.outputs["Color"], shading)
    emission = nodes.new("ShaderNodeEmission")
    links.new(colour, emission.inputs["Color"])
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(emission.outputs[0], output.inputs["Surface"])


def over_photo(scene, photo, width, height):
    """Puts the photo behind the render: as the camera's background for people, through the compositor for the file."""
    image = bpy.data.images.load(os.path.abspath(photo))
    if image.size[0] * height != image.size[1] * width:
        print(f"{photo}: has other proportions than the fit's {width} x {height}; is it turned upright?")
    image.colorspace_settings.name = "Non-Color"
    background = scene.camera.data.background_images.new()
    background.image, background.alpha = image, 1
    scene.camera.data.show_background_images = True

    scene.use_nodes = True
    nodes, links = scene.node_tree.nodes, scene.node_tree.links
    nodes.clear()
    layers = nodes.new("CompositorNodeRLayers")
    below = nodes.new("CompositorNodeImage")
    below.image = image
    fit = nodes.new("CompositorNodeScale")
    fit.space = "RENDER_SIZE"
    links.new(below.outputs["Image"], fit.inputs["Image"])
    over = nodes.new("CompositorNodeAlphaOver")
    links.new(fit.outputs[0], over.inputs[1])
    links.new(layers.outputs["Image"], over.inputs[2])
    links.new(over.outputs[0], nodes.new("CompositorNodeComposite").inputs["Image"])


def main():
    options = arguments()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=os.path.abspath(options.glb))
    scene = bpy.context.scene
    cameras = [item for item in scene.objects if item.type == "CAMERA"]
    if not cameras:
        sys.exit(f"{options.glb}: holds no camera; export the head with a newer photofit")
    set_state(options.state)
    set_camera(scene, cameras[0])

    light = extras(scene).get("light")
    if light and not options.no_light:
        for material in bpy.data.materials:
            if material.use_nodes:
                lit_material(material, [list(row) for row in light])

    # Cycles on the processor works without a screen; nothing bounces, so it is quick.
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = options.samples
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0 if not options.no_light else 4
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.film_transparent = True
    # Encoded values are written as they are; with lamps of your own, choose 'Standard'.
    scene.view_settings.view_transform = "Standard" if options.no_light else "Raw"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB" if options.photo else "RGBA"
    if options.photo:
        over_photo(scene, options.photo, scene.render.resolution_x, scene.render.resolution_y)
    if options.save:
        bpy.ops.wm.save_as_mainfile(filepath=os.path.abspath(options.save))
    scene.render.filepath = os.path.abspath(options.out)
    bpy.ops.render.render(write_still=True)
    print(f"wrote {options.out}")


main()
