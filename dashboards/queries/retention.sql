SELECT raw_days AS "<<Mesures|Readings>>", quarter_hour_days AS "<<Quarts d'heure|Quarter hours>>", hour_days AS "<<Heures|Hours>>", day_days AS "<<Jours|Days>>"
FROM v_retention
