-- English nouns whose plural no rule makes.
irregular_noun AS MATERIALIZED (
  SELECT w.singular, w.plural
  FROM (VALUES ('person', 'people'), ('child', 'children'), ('man', 'men'), ('foot', 'feet'), ('tooth', 'teeth'), ('goose', 'geese'), ('mouse', 'mice'),
               ('datum', 'data'), ('medium', 'media'), ('criterion', 'criteria'), ('leaf', 'leaves'), ('knife', 'knives'), ('wife', 'wives'), ('wolf', 'wolves'), ('calf', 'calves'), ('loaf', 'loaves'), ('thief', 'thieves'), ('life', 'lives'), ('shelf', 'shelves'), ('half', 'halves'),
               ('index', 'indices'), ('matrix', 'matrices'), ('vertex', 'vertices'), ('appendix', 'appendices'), ('analysis', 'analyses'), ('basis', 'bases'),
               ('crisis', 'crises'), ('diagnosis', 'diagnoses'), ('hypothesis', 'hypotheses'), ('thesis', 'theses')) AS w (singular, plural)
)
