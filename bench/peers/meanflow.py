"""
The MeanFlow training step of inverse kinematics in PyTorch: the network, target, loss, clip and AdamW of this project,
as one would write them there.
"""

import math

import torch
import torch.autograd.forward_ad as forward_ad
import torch.nn.functional as F
from torch import nn

JOINTS = 7
# Defaults of the project.
TIME_FREQUENCIES = [2 * (0.1 / 2) ** (k / 7) for k in range(8)]
DISPLACEMENT = 0.1
FLATTEST = 0.05
TIME_MEAN = 0.4
WEIGHT_POWER, WEIGHT_OFFSET = 0.75, 1e-3
LEARNING_RATE, WEIGHT_DECAY, MAX_NORM = 1e-4, 1e-2, 1.0


class TipError(nn.Module):
    """[Rᵀ(p* − p); 2·sin(angle/2)·axis of RᵀR*], how far the tip is from a target pose, seen from the tip: `[B, 6]`."""

    def __init__(self, aligned):
        """`aligned`: n + 1 fixed transforms, the first three rows of each, between which the joints turn about z."""
        super().__init__()
        fixed = torch.eye(4, dtype=torch.float64).repeat(JOINTS + 1, 1, 1)
        fixed[:, :3] = torch.tensor(aligned, dtype=torch.float64).view(-1, 3, 4)
        still, sine, cosine = torch.zeros(3, 4, 4, dtype=torch.float64)
        still[2, 2] = still[3, 3] = sine[1, 0] = cosine[0, 0] = cosine[1, 1] = 1
        sine[0, 1] = -1
        # One linear layer makes every joint's transform of the waves; the tip's is constant. Eight places: a power of two.
        bias = torch.cat([fixed[:JOINTS] @ still, fixed[JOINTS:]])
        weight = torch.zeros(2, JOINTS, JOINTS + 1, 4, 4, dtype=torch.float64)
        for i in range(JOINTS):
            weight[0, i, i] = fixed[i] @ sine
            weight[1, i, i] = fixed[i] @ cosine
        self.register_buffer("weight", weight.view(2 * JOINTS, -1).t().float().contiguous())
        self.register_buffer("bias", bias.flatten().float())

    def forward(self, waves, position, rotation):
        """Of waves [sin q, cos q] `[B, 2n]` and the target's position `[B, 3]` and rotation `[B, 3, 3]`."""
        product = F.linear(waves, self.weight, self.bias).view(-1, JOINTS + 1, 4, 4)
        while product.shape[1] > 1:
            left, right = product.unflatten(1, (-1, 2)).unbind(2)
            product = left @ right
        tip = product[:, 0, :3]
        target = torch.cat([rotation, (position - tip[:, :, 3]).unsqueeze(2)], 2)
        seen = tip[:, :, :3].transpose(1, 2) @ target
        x, y, z = seen[:, :, :3].unbind(1)
        sine = 0.5 * torch.stack([z[:, 1] - y[:, 2], x[:, 2] - z[:, 0], y[:, 0] - x[:, 1]], 1)
        squared_cosine = 0.25 * (1 + x[:, :1] + y[:, 1:2] + z[:, 2:])
        return torch.cat([seen[:, :, 3], sine / squared_cosine.clamp_min(FLATTEST).sqrt()], 1)


def rotation_matrix(quaternion):
    """Of unit quaternions (w, x, y, z) `[B, 4]`: `[B, 3, 3]`."""
    w, x, y, z = quaternion.unbind(1)
    entries = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(entries, 1).view(-1, 3, 3)


class Block(nn.Module):
    """h + Linear(SiLU(Linear(FiLM(LayerNorm(h))))), modulated by the condition c."""

    def __init__(self, width, condition):
        super().__init__()
        self.gamma = nn.Linear(condition, width)
        self.beta = nn.Linear(condition, width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)

    def forward(self, h, c):
        normed = F.layer_norm(h, h.shape[1:])
        modulated = normed * (1 + self.gamma(c)) + self.beta(c)
        return h + self.outer(F.silu(self.inner(modulated)))


class VelocityNetwork(nn.Module):
    """The velocity u `[B, n]` of joints z at time r towards a pose, up to time t."""

    def __init__(self, width, depth, condition, aligned):
        """Without `aligned`, a plain network: no kinematics inside."""
        super().__init__()
        self.tip_error = None if aligned is None else TipError(aligned)
        self.stem = nn.Linear(2 * JOINTS + 7 + (0 if aligned is None else 6), width)
        self.condition_in = nn.Linear(4 * len(TIME_FREQUENCIES) + 7, condition)
        self.condition_out = nn.Linear(condition, condition)
        self.blocks = nn.ModuleList(Block(width, condition) for _ in range(depth))
        self.head = nn.Linear(width, JOINTS if aligned is None else 7 * JOINTS)
        self.register_buffer("frequencies", torch.tensor([TIME_FREQUENCIES]))
        for name, layer in self.linear_layers().items():
            zero = name == "head" or name.endswith(("/gamma", "/beta", "/out")) and name.startswith("block")
            nn.init.normal_(layer.weight, std=0 if zero else math.sqrt(1 / layer.in_features))
            nn.init.zeros_(layer.bias)

    def linear_layers(self):
        """The layers by the project's names."""
        layers = {"stem": self.stem, "condition/in": self.condition_in, "condition/out": self.condition_out}
        for i, block in enumerate(self.blocks):
            layers[f"block{i}/film/gamma"] = block.gamma
            layers[f"block{i}/film/beta"] = block.beta
            layers[f"block{i}/in"] = block.inner
            layers[f"block{i}/out"] = block.outer
        return {**layers, "head": self.head}

    def forward(self, z, r, t, pose):
        phases = r * self.frequencies, (t - r) * self.frequencies
        times = [wave(phase) for phase in phases for wave in (torch.cos, torch.sin)]
        c = F.silu(self.condition_in(torch.cat([*times, pose], 1)))
        c = F.silu(self.condition_out(c))

        waves = torch.cat([z.sin(), z.cos()], 1)
        state = [waves]
        if self.tip_error is not None:
            position, rotation = pose[:, :3], rotation_matrix(pose[:, 3:])
            error = self.tip_error(waves, position, rotation) / DISPLACEMENT
            state.append(error)
        h = self.stem(torch.cat([*state, pose], 1))
        for block in self.blocks:
            h = block(h, c)
        head = self.head(F.layer_norm(h, h.shape[1:]))
        if self.tip_error is None:
            return DISPLACEMENT * head

        # u = b + A·e, corrected once by the error that is left where u leads.
        gain, u = head[:, : 6 * JOINTS].view(-1, JOINTS, 6), head[:, 6 * JOINTS :]
        u = u + (gain @ error.unsqueeze(2)).squeeze(2)
        end = z + (1 - r) * DISPLACEMENT * u
        left = self.tip_error(torch.cat([end.sin(), end.cos()], 1), position, rotation) / DISPLACEMENT
        u = u + (gain @ left.unsqueeze(2)).squeeze(2)
        return DISPLACEMENT * u


def with_derivative(network, z, r, t, pose, v):
    """u and du/dr along v, by forward mode: one sweep for both."""
    with forward_ad.dual_level():
        dual = network(forward_ad.make_dual(z, v), forward_ad.make_dual(r, torch.ones_like(r)), t, pose)
        u, along = forward_ad.unpack_dual(dual)
        return u, along.detach()


class Training:
    """A run of the workload `o`; each step trains on the same batch at fresh times."""

    def __init__(self, o):
        self.network = VelocityNetwork(o["width"], o["depth"], o["condition"], o["aligned"] if o["kinematics"] else None)
        self.distinct = math.floor(o["batch"] * o["pDistinct"] + 0.5)
        self.parameters = list(self.network.parameters())
        groups = [
            {"params": [p for p in self.parameters if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
            {"params": [p for p in self.parameters if p.ndim < 2], "weight_decay": 0},
        ]
        # Not `foreach`: on a CPU its passes over all parameters at once leave the cache.
        self.optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE)
        source = torch.randn(o["batch"], JOINTS)
        pose = torch.cat([torch.randn(o["batch"], 3), F.normalize(torch.randn(o["batch"], 4))], 1)
        self.batch = source, source + DISPLACEMENT * torch.randn(o["batch"], JOINTS), pose

    def use(self, batch):
        """Trains on a batch of the project."""
        self.batch = batch["source"], batch["solution"], batch["pose"]

    def loss(self, draws):
        """The mean weighted residual; `draws["times"]`: two normals a row, `[2, B, 1]`."""
        source, solution, pose = self.batch
        a, b = torch.sigmoid(draws["times"] + TIME_MEAN)
        r, t = torch.minimum(a, b), torch.maximum(a, b)
        v = solution - source
        z = source + r * v
        # The first rows have r ≠ t, and their target takes the derivative; the others train the velocity at t = r.
        outputs, targets = [], []
        if (k := self.distinct) > 0:
            u, along = with_derivative(self.network, z[:k], r[:k], t[:k], pose[:k], v[:k])
            outputs.append(u)
            targets.append(v[:k] + (t[:k] - r[:k]) * along)
        if k < len(z):
            outputs.append(self.network(z[k:], r[k:], r[k:], pose[k:]))
            targets.append(v[k:])
        residual = (torch.cat(outputs) - torch.cat(targets)).square().sum(1)
        weight = (residual.detach() + WEIGHT_OFFSET) ** -WEIGHT_POWER
        return (weight * residual).mean()

    def backward(self, draws):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(draws)
        loss.backward()
        return loss

    def update(self):
        nn.utils.clip_grad_norm_(self.parameters, MAX_NORM)
        self.optimizer.step()

    def step(self):
        self.backward({"times": torch.randn(2, len(self.batch[0]), 1)})
        self.update()
