"""matplotlib without a screen: plt.show() displays every open figure as PNG, and so does the end of
a block. Nothing here imports matplotlib before user code does."""

import io
import os
import sys
from importlib.machinery import ModuleSpec

BACKEND = "caisson_matplotlib"
_modules = sys.modules


def choose_backend():
    """matplotlib reads both when it is imported, which a preload does before there are sessions."""
    os.environ.setdefault("MPLBACKEND", "module://" + BACKEND)
    home = os.environ.get("HOME", "")
    if "MPLCONFIGDIR" not in os.environ and not os.access(home, os.W_OK):
        # Otherwise matplotlib complains on stderr that it has nowhere to keep its font list.
        os.environ["MPLCONFIGDIR"] = os.path.join(os.environ.get("TMPDIR", "/tmp"), "matplotlib")


class Figures:
    """The finder and loader of the backend module that MPLBACKEND names."""

    def __init__(self, display):
        self._display = display

    def install(self):
        choose_backend()
        sys.meta_path.append(self)

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == BACKEND else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        from matplotlib.backend_bases import FigureManagerBase
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        module.FigureCanvas = FigureCanvasAgg
        module.FigureManager = FigureManagerBase
        module.show = lambda *args, **kwargs: self.show()

    def show(self):
        """Displays and closes the figures that are open."""
        helpers = _modules.get("matplotlib._pylab_helpers")
        if helpers is None:
            return
        managers = helpers.Gcf.get_all_fig_managers()
        for manager in managers:
            figure = manager.canvas.figure
            try:
                picture = io.BytesIO()
                figure.savefig(picture, format="png", bbox_inches="tight")
            except KeyboardInterrupt:
                raise
            except Exception as failure:
                reason = "<figure %s could not be drawn: %s: %s>" % (
                    manager.num,
                    type(failure).__name__,
                    failure,
                )
                self._display({"text/plain": reason}, raw=True)
                continue
            self._display({"text/plain": repr(figure), "image/png": picture.getvalue()}, raw=True)
        helpers.Gcf.destroy_all()
