"""
The training step of implicit behavioural cloning (Florence et al. 2021) in PyTorch: Langevin counter-examples, InfoNCE,
the gradient penalty and Adam of this project, as one would write them there.
"""

import torch
import torch.nn.functional as F
from torch import nn

FRAME = 8
DIMENSIONS = 2
DEVIATION = 0.05
FIRST_STEP, LAST_STEP, POWER = 0.1, 1e-5, 2
CLIP = 0.1
MARGIN = 1.0
LEARNING_RATE, EPSILON = 1e-3, 1e-7


class EnergyNetwork(nn.Module):
    """Energies `[B, n]` of actions `[B, n, N]` for observations `[B, 8N]`: a dense layer, a residual block, a head."""

    def __init__(self, width):
        super().__init__()
        self.seen = FRAME * DIMENSIONS
        self.stem = nn.Linear(self.seen + DIMENSIONS, width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        self.head = nn.Linear(width, 1)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=DEVIATION)

    def linear_layers(self):
        """The layers by the project's names."""
        return {"stem": self.stem, "block0/in": self.inner, "block0/out": self.outer, "head": self.head}

    def of_observation(self, observation):
        """The first layer's share of the observation, `[B, 1, width]`: once for all candidates and steps of a chain."""
        return F.linear(observation, self.stem.weight[:, : self.seen], self.stem.bias).unsqueeze(1)

    def forward(self, known, action):
        h = known + F.linear(action, self.stem.weight[:, self.seen :])
        h = h + self.outer(F.relu(self.inner(F.relu(h))))
        return self.head(h).squeeze(2)

    @torch.no_grad()
    def chain(self, known, action, noises, low, high):
        """
        Langevin steps with given noises `[K, B, n, N]`. The gradient is written out: autograd would compute the
        energies too, and twice as many products.
        """
        of_action = self.stem.weight[:, self.seen :]
        of_hidden = self.head.weight @ self.outer.weight
        inner = self.inner.weight * of_hidden.t()
        straight = self.head.weight @ of_action
        reach = CLIP / 2 * (high - low)
        last = max(1, len(noises) - 1)
        for k, noise in enumerate(noises):
            size = (FIRST_STEP - LAST_STEP) * (1 - k / last) ** POWER + LAST_STEP
            h = (known + action @ of_action.t()).relu_()
            active = self.inner(h).gt_(0)
            through = torch.ops.aten.threshold_backward(active @ inner, h, 0)
            gradient = through @ of_action + straight
            delta = size * (gradient / 2 + noise)
            action = (action - delta.clamp(-reach, reach)).clamp(low, high)
        return action


class Training:
    """A run of the workload `o`; each step trains on the same batch with fresh draws."""

    def __init__(self, o):
        self.network = EnergyNetwork(o["width"])
        self.parameters = list(self.network.parameters())
        self.shape = o["batch"], o["negatives"], DIMENSIONS
        self.iterations = o["iterations"]
        self.optimizer = torch.optim.Adam(self.parameters, lr=LEARNING_RATE, eps=EPSILON)
        box = torch.ones(o["batch"], DIMENSIONS)
        observation, action = torch.randn(o["batch"], FRAME * DIMENSIONS), 2 * torch.rand(o["batch"], DIMENSIONS) - 1
        self.use({"observation": observation, "action": action, "low": -box, "high": box})

    def use(self, batch):
        """Trains on a batch of the project."""
        self.observation = batch["observation"]
        self.action, self.low, self.high = (batch[name].unsqueeze(1) for name in ("action", "low", "high"))

    def loss(self, draws):
        """InfoNCE and penalty; `draws`: `starts` in [0, 1) `[B, n, N]` and normal `noises` `[K, B, n, N]`."""
        low, high = self.low, self.high
        with torch.no_grad():
            known = self.network.of_observation(self.observation)
        wrong = self.network.chain(known, low + (high - low) * draws["starts"], draws["noises"], low, high)
        actions = torch.cat([wrong, self.action], 1).requires_grad_()
        energies = self.network(self.network.of_observation(self.observation), actions)
        (gradient,) = torch.autograd.grad(energies.sum(), actions, create_graph=True)
        penalty = F.relu(gradient.abs().amax(2) - MARGIN).square().mean()
        right = torch.full((len(actions),), actions.shape[1] - 1)
        return F.cross_entropy(-energies, right) + penalty

    def backward(self, draws):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(draws)
        loss.backward()
        return loss

    def update(self):
        self.optimizer.step()

    def step(self):
        self.backward({"starts": torch.rand(self.shape), "noises": torch.randn(self.iterations, *self.shape)})
        self.update()
