"""The model twin: a hydraulic copy of a zone beside the learner, what it does not know learned on top of it.

flow forecast ─▶ zone_model (port; EPANET in app) ─▶ loss to every place that counts ─┐
critical points ─▶ residual (height, friction, spread; per critical point) ───────────┴─▶ zone_twin ─▶ laws/model_twin
"""
