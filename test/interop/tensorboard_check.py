"""Prints, as JSON, what TensorBoard's own code makes of a folder of runs, as its dashboards would get it."""

import json
import sys

from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.data import provider
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import backend_context, get_experiment
from tensorboard.util import tensor_util

runs = plugin_event_multiplexer.EventMultiplexer(size_guidance={"tensors": 0}).AddRunsFromDirectory(sys.argv[1])
runs.Reload()
source = data_provider.MultiplexerDataProvider(runs, sys.argv[1])
ctx = context.RequestContext()


def read(list_series, read_series, plugin, value):
    """Values by run and tag, each with its step."""
    found = list_series(ctx, experiment_id="", plugin_name=plugin)
    if not found:
        return {}
    data = read_series(ctx, experiment_id="", plugin_name=plugin, downsample=10**6)
    return {run: {tag: [[d.step, value(d)] for d in series] for tag, series in tags.items()} for run, tags in data.items()}


def plain(tensor):
    values = tensor.tolist()
    return values.decode("utf-8") if isinstance(values, bytes) else values


blobs = source.read_blob_sequences(ctx, experiment_id="", plugin_name="images", downsample=100)
images = {
    run: {
        tag: [[d.step, [source.read_blob(ctx, blob_key=v.blob_key).hex() for v in d.values]] for d in series]
        for tag, series in tags.items()
    }
    for run, tags in blobs.items()
}
hparams = backend_context.Context(base_plugin.TBContext(data_provider=source))
metadata = hparams.hparams_metadata(ctx, "")
experiment = hparams.experiment_from_metadata(ctx, "", True, metadata, [])
print(
    json.dumps(
        {
            "scalars": read(source.list_scalars, source.read_scalars, "scalars", lambda d: d.value),
            "histograms": read(source.list_tensors, source.read_tensors, "histograms", lambda d: plain(d.numpy)),
            "texts": read(source.list_tensors, source.read_tensors, "text", lambda d: plain(d.numpy)),
            "images": images,
            "hparams": sorted(info.name for info in experiment.hparam_infos),
            "metrics": sorted(info.name.tag for info in experiment.metric_infos),
        }
    )
)
