"""Checks an exported model and runs it: python onnx_check.py model.onnx < inputs.json > results.json"""

import json
import sys

import numpy as np
import onnx
import onnxruntime

path = sys.argv[1]
model = onnx.load(path)
onnx.checker.check_model(model, full_check=True)

session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
inputs = {name: np.asarray(rows, dtype=np.float32) for name, rows in json.load(sys.stdin).items()}
names = [output.name for output in session.get_outputs()]
json.dump(
    {
        "ir_version": model.ir_version,
        "opsets": {opset.domain: opset.version for opset in model.opset_import},
        "initializers": [tensor.name for tensor in model.graph.initializer],
        "shapes": {value.name: value.shape for value in session.get_inputs() + session.get_outputs()},
        "metadata": session.get_modelmeta().custom_metadata_map,
        "outputs": {name: value.tolist() for name, value in zip(names, session.run(names, inputs))},
    },
    sys.stdout,
)
