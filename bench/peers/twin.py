"""
A training step of this project in PyTorch.

    twin.py '{"kind": "energy", …}'   runs two steps of the workload, then answers each line of its input with a sample
    twin.py --check folder …          repeats the steps that `check.ts` left in each folder; its results go there
"""

import json
import resource
import sys

import numpy as np
import torch

import ebm
import meanflow
from sampling import sample, span

trainings = {"pose": meanflow.Training, "energy": ebm.Training}


def below(section, arrays):
    """Those whose name begins with the section, by the rest of it."""
    return {name[len(section) + 1 :]: array for name, array in arrays.items() if name.startswith(f"{section}/")}


def check(folder):
    with open(f"{folder}/workload.json") as file:
        workload = json.load(file)
    training = trainings[workload["kind"]](workload)
    given = {name: torch.from_numpy(array) for name, array in np.load(f"{folder}/inputs.npz").items()}
    training.use(below("batch", given))
    tensors = {}
    for name, layer in training.network.linear_layers().items():
        tensors[f"{name}/kernel"], tensors[f"{name}/bias"] = layer.weight, layer.bias
    start = below("params", given)
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(start[name].t())
    losses, norms, grads = [], [], {}
    all_draws = below("draws", given)
    for step in range(len(next(iter(all_draws.values())))):
        losses.append(training.backward({name: draws[step] for name, draws in all_draws.items()}).item())
        grads = {f"grads/{name}": tensor.grad.t().numpy().copy() for name, tensor in tensors.items()}
        norms.append(np.sqrt(sum(np.square(grad, dtype=np.float64).sum() for grad in grads.values())))
        training.update()
    params = {f"params/{name}": tensor.detach().t().numpy() for name, tensor in tensors.items()}
    np.savez(f"{folder}/outputs.npz", losses=np.array(losses), norms=np.array(norms), **grads, **params)


def serve(workload):
    torch.manual_seed(0)
    training = trainings[workload["kind"]](workload)
    first_two_steps = span(lambda: (training.step(), training.step()))
    introduction = {
        "description": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads that wait without spinning",
        "parameters": sum(p.numel() for p in training.parameters),
        "firstTwoSteps": first_two_steps,
    }
    print(json.dumps(introduction), flush=True)
    for _ in sys.stdin:
        answer = sample(training.step)
        peak_memory_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(json.dumps({**answer, "peak_memory_mb": peak_memory_mb}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        for folder in sys.argv[2:]:
            check(folder)
    else:
        serve(json.loads(sys.argv[1]))
