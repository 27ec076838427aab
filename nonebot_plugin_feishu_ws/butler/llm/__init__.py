"""The brain that is a model. Imported only where it is wanted: it needs the extra `llm`."""

from .brain import KEPT, LlmBrain
from .endpoint import NoModel, model_of
from .resumer import Resumer
from .spending import Use
from .stopping import install_stop

__all__ = ["KEPT", "LlmBrain", "NoModel", "Resumer", "Use", "install_stop", "model_of"]
