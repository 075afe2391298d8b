r"""The formula of each diagnostic that has one, in TeX: one row per name, shown behind the first line of its page.

Each line of a row is a line of the page, so that it fits a narrow window.

Symbols are explained in the notes of the docstring, or in the formula itself.
"""

from __future__ import annotations

__all__ = ["FORMULAS"]


def _exceedance(variable: str, sign: str, percentile: int) -> str:
    return rf"\mathrm{{index}} = 100\,\% \cdot \frac{{\#\{{d : \mathrm{{{variable}}}_d {sign} Q_{{{percentile}}}(\mathrm{{doy}}(d))\}}}}{{\#\{{d : \mathrm{{{variable}}}_d\ \text{{known}}\}}}}"


def _count(condition: str) -> str:
    return rf"\mathrm{{index}} = \#\{{d : {condition}\}}"


def _spell(variable: str, sign: str, percentile: int) -> str:
    return rf"\mathrm{{index}} = \#\{{d : d\ \text{{is in a run of}} \ge 6\ \text{{days with}}\ \mathrm{{{variable}}} {sign} Q_{{{percentile}}}(\mathrm{{doy}})\}}"


def _share(percentile: int) -> str:
    return rf"""
        \mathrm{{R{percentile}p}} = \sum_{{d : \mathrm{{RR}}_d > Q_{{{percentile}}}}} \mathrm{{RR}}_d
        Q_{{{percentile}}}\ \text{{of the wet days}}\ (\mathrm{{RR}} \ge 1\,\mathrm{{mm}})\ \text{{of the base period}}"""


FORMULAS: dict[str, str] = {
    # percentiles and normals
    "percentile_doy": r"""
        p = \alpha + q\,(n + 1 - \alpha - \beta), \quad j = \lfloor p \rfloor, \quad \gamma = p - j
        Q = (1 - \gamma)\,x_{(j)} + \gamma\,x_{(j+1)}
        \alpha = \beta = \tfrac{1}{3}\ \text{for type 8}""",
    "percentile": r"""
        p = \alpha + q\,(n + 1 - \alpha - \beta), \quad j = \lfloor p \rfloor, \quad \gamma = p - j
        Q = (1 - \gamma)\,x_{(j)} + \gamma\,x_{(j+1)}""",
    "anomaly": r"x'_t = x_t - \bar{x}_{\mathrm{slot}(t)}",
    "climatology": r"\bar{x}_s = \frac{1}{n_s} \sum_{t\,:\,\mathrm{slot}(t) = s} x_t",
    "detrend": r"""
        x'_t = x_t - (a + b\,t)
        b = \frac{\sum (t - \bar{t})(x_t - \bar{x})}{\sum (t - \bar{t})^2}""",
    "correlation": r"r = \frac{\sum (x - \bar{x})(y - \bar{y})}{\sqrt{\sum (x - \bar{x})^2 \sum (y - \bar{y})^2}}",
    "mann_kendall": r"""
        S = \sum_{i < j} \mathrm{sign}(x_j - x_i)
        \mathrm{var}\,S = \frac{n(n-1)(2n+5) - \sum t(t-1)(2t+5)}{18}
        z = \frac{S - \mathrm{sign}\,S}{\sqrt{\mathrm{var}\,S}}""",
    # heatwaves
    "excess_heat": r"""
        \mathrm{EHF} = (m - T_{95}) \cdot \max(1,\; m - M)
        m = \frac{T_i + T_{i+1} + T_{i+2}}{3}
        M = \frac{1}{30} \sum_{k=1}^{30} T_{i-k}""",
    "hwmid": r"""
        M_d = \frac{x_d - T_{25}}{T_{75} - T_{25}}\ \text{for}\ x_d > T_{25},\ \text{else}\ 0
        \mathrm{HWMId} = \max_{\text{heatwaves}} \sum_d M_d""",
    "marine_heatwaves": r"\mathrm{category} = \left\lfloor \frac{T - T_{\mathrm{clim}}}{T_{90} - T_{\mathrm{clim}}} \right\rfloor",
    # return levels
    "gev": r"""
        F(x) = \exp\left( -\left( 1 + \xi\,\frac{x - \mu}{\sigma} \right)^{-1/\xi} \right)
        x_T = \mu + \frac{\sigma}{\xi} \left( \left( -\ln\left( 1 - \tfrac{1}{T} \right) \right)^{-\xi} - 1 \right)""",
    "gpd": r"""
        F(x) = 1 - \left( 1 + \xi\,\frac{x - u}{\sigma} \right)^{-1/\xi}
        x_T = u + \frac{\sigma}{\xi} \left( (\lambda T)^{\xi} - 1 \right)""",
    # drought
    "spi": r"""
        \mathrm{SPI} = \Phi^{-1}\left( q + (1 - q)\,G(x) \right)
        \hat{a} = \frac{1 + \sqrt{1 + 4A/3}}{4A}
        A = \ln \bar{x} - \overline{\ln x}""",
    "spei": r"""
        \mathrm{SPEI} = \Phi^{-1}(F(x))
        F(x) = \left( 1 + \left( \frac{\alpha}{x - \gamma} \right)^{\beta} \right)^{-1}""",
    "thornthwaite": r"""
        \mathrm{PET} = 16\,\frac{N}{12} \left( \frac{10\,T}{I} \right)^{a}\ \mathrm{mm}
        I = \sum_{12} \left( \frac{T}{5} \right)^{1.514}""",
    "hargreaves": r"\mathrm{PET} = 0.0023 \cdot 0.408\,R_a\,(T + 17.8)\,\sqrt{T_{\max} - T_{\min}}",
    "penman_monteith": r"\mathrm{ET}_0 = \frac{0.408\,\Delta\,(R_n - G) + \gamma\,\frac{900}{T + 273}\,u_2\,(e_s - e_a)}{\Delta + \gamma\,(1 + 0.34\,u_2)}",
    "net_radiation": r"R_n = 0.77\,R_s - \sigma\,\frac{T_{\max}^4 + T_{\min}^4}{2}\,(0.34 - 0.14 \sqrt{e_a}) \left( 1.35\,\frac{R_s}{R_{so}} - 0.35 \right)",
    # heat, cold, humidity, wind
    "heat_index": r"""
        \mathrm{HI} = -42.379 + 2.04901523\,T + 10.14333127\,R - 0.22475541\,T R
        {} - 0.00683783\,T^2 - 0.05481717\,R^2 + 0.00122874\,T^2 R
        {} + 0.00085282\,T R^2 - 0.00000199\,T^2 R^2 \quad (^{\circ}\mathrm{F}, \%)""",
    "humidex": r"""
        H = T + \tfrac{5}{9}(e - 10)
        e = 6.11 \exp\left( 5417.7530 \left( \frac{1}{273.16} - \frac{1}{T_d} \right) \right)\ \mathrm{hPa}""",
    "apparent_temperature": r"\mathrm{AT} = T + 0.33\,e - 0.70\,v - 4.00",
    "wind_chill": r"W = 13.12 + 0.6215\,T - 11.37\,V^{0.16} + 0.3965\,T\,V^{0.16} \quad (^{\circ}\mathrm{C}, \mathrm{km/h})",
    "wet_bulb": r"""
        T_w = T \arctan\left( 0.151977 \sqrt{R + 8.313659} \right) + \arctan(T + R)
        {} - \arctan(R - 1.676331) + 0.00391838\,R^{1.5} \arctan(0.023101\,R) - 4.686035""",
    "wbgt": r"\mathrm{WBGT} = 0.7\,T_{nw} + 0.2\,T_g + 0.1\,T",
    "wbgt_simple": r"\mathrm{WBGT} = 0.567\,T + 0.393\,e + 3.94",
    "saturation_vapour_pressure": r"e_s(t) = 611.2 \exp\left( \frac{17.67\,t}{t + 243.5} \right)\ \mathrm{Pa} \quad (\text{Bolton})",
    "vapour_pressure": r"e = \frac{R}{100}\,e_s(T)",
    "dewpoint": r"""
        T_d = \frac{243.5 \ln(e / 611.2)}{17.67 - \ln(e / 611.2)}
        e = \frac{R}{100}\,e_s(T)""",
    "relative_humidity": r"R = 100\,\frac{e_s(T_d)}{e_s(T)}",
    "wind_speed": r"v = \sqrt{u^2 + v^2}",
    "wind_direction": r"\varphi = \mathrm{atan2}(-u, -v)\ \text{in degrees from north}",
    # distances and tests
    "great_circle": r"""
        d = 2R \arcsin \sqrt{ \sin^2 \frac{\varphi_2 - \varphi_1}{2} + \cos \varphi_1 \cos \varphi_2 \sin^2 \frac{\lambda_2 - \lambda_1}{2} }
        R = 6371\ \mathrm{km}""",
    "permutation_test": r"p = \frac{1 + \#\{\text{rearrangements at least as extreme}\}}{1 + n}",
    # storms, blocking, compound
    "storms.klawa_ulbrich_index": r"\mathrm{LI} = \sum_{\text{cells}} \mathrm{pop} \cdot \left( \frac{v}{v_{98}} - 1 \right)^3\ \text{where}\ v > v_{98}",
    "storms.storm_severity_index": r"\mathrm{SSI} = \sum_{\text{cells}} A \cdot \max\left( 0,\ \frac{v}{v_{98}} - 1 \right)^3",
    "storms.dawkins_index": r"S_f = \sum_{v > 25\,\mathrm{m/s}} A\,v^3",
    "blocking.blocked_longitudes": r"\frac{Z_{60+\Delta} - Z_{40+\Delta}}{20} > 0\ \text{and}\ \frac{Z_{80+\Delta} - Z_{60+\Delta}}{20} < -10\ \mathrm{m}/^{\circ}",
    "blocking.blocked_cells": r"\frac{Z_{\varphi} - Z_{\varphi-15}}{15} > 0\ \text{and}\ \frac{Z_{\varphi+15} - Z_{\varphi}}{15} < -10\ \mathrm{m}/^{\circ}",
    "blocking.dole_gordon": r"Z' \cdot \frac{\sin 45^{\circ}}{\sin \varphi} > 100\ \mathrm{m}",
    "fire.overwintered_drought_code": r"D = 400 \ln \frac{800}{Q},\quad Q = a \cdot 800\,e^{-D_f/400} + b \cdot 3.94\,r",
    "compound.likelihood_multiplication_factor": r"\mathrm{LMF} = \frac{P(A \cap B)}{P(A)\,P(B)}",
    # indices of climate extremes
    "indices.fd": _count(r"\mathrm{TN}_d < 0\,^{\circ}\mathrm{C}"),
    "indices.su": _count(r"\mathrm{TX}_d > 25\,^{\circ}\mathrm{C}"),
    "indices.id_": _count(r"\mathrm{TX}_d < 0\,^{\circ}\mathrm{C}"),
    "indices.tr": _count(r"\mathrm{TN}_d > 20\,^{\circ}\mathrm{C}"),
    "indices.txx": r"\mathrm{TXx} = \max_d \mathrm{TX}_d",
    "indices.tnx": r"\mathrm{TNx} = \max_d \mathrm{TN}_d",
    "indices.txn": r"\mathrm{TXn} = \min_d \mathrm{TX}_d",
    "indices.tnn": r"\mathrm{TNn} = \min_d \mathrm{TN}_d",
    "indices.dtr": r"\mathrm{DTR} = \frac{1}{n} \sum_d (\mathrm{TX}_d - \mathrm{TN}_d)",
    "indices.tx10p": _exceedance("TX", "<", 10),
    "indices.tn10p": _exceedance("TN", "<", 10),
    "indices.tx90p": _exceedance("TX", ">", 90),
    "indices.tn90p": _exceedance("TN", ">", 90),
    "indices.wsdi": _spell("TX", ">", 90),
    "indices.csdi": _spell("TN", "<", 10),
    "indices.rx1day": r"\mathrm{Rx1day} = \max_d \mathrm{RR}_d",
    "indices.rx5day": r"\mathrm{Rx5day} = \max_d \sum_{k=0}^{4} \mathrm{RR}_{d+k}",
    "indices.sdii": r"\mathrm{SDII} = \frac{\sum_{\mathrm{RR}_d \ge 1\,\mathrm{mm}} \mathrm{RR}_d}{\#\{d : \mathrm{RR}_d \ge 1\,\mathrm{mm}\}}",
    "indices.r10mm": _count(r"\mathrm{RR}_d \ge 10\,\mathrm{mm}"),
    "indices.r20mm": _count(r"\mathrm{RR}_d \ge 20\,\mathrm{mm}"),
    "indices.rnnmm": _count(r"\mathrm{RR}_d \ge nn\,\mathrm{mm}"),
    "indices.cdd": r"\mathrm{CDD} = \text{longest run with}\ \mathrm{RR}_d < 1\,\mathrm{mm}",
    "indices.cwd": r"\mathrm{CWD} = \text{longest run with}\ \mathrm{RR}_d \ge 1\,\mathrm{mm}",
    "indices.r95p": _share(95),
    "indices.r99p": _share(99),
    "indices.prcptot": r"\mathrm{PRCPTOT} = \sum_{\mathrm{RR}_d \ge 1\,\mathrm{mm}} \mathrm{RR}_d",
    "indices.r95ptot": r"\mathrm{R95pTOT} = 100\,\%\cdot\frac{\mathrm{R95p}}{\mathrm{PRCPTOT}}",
    "indices.r99ptot": r"\mathrm{R99pTOT} = 100\,\%\cdot\frac{\mathrm{R99p}}{\mathrm{PRCPTOT}}",
    "indices.r95days": _count(r"\mathrm{RR}_d > Q_{95}"),
    "indices.r99days": _count(r"\mathrm{RR}_d > Q_{99}"),
    "indices.heating_degree_days": r"\mathrm{HDD} = \sum_d \max(0,\ 17\,^{\circ}\mathrm{C} - \mathrm{TG}_d)",
    "indices.cooling_degree_days": r"\mathrm{CDD} = \sum_d \max(0,\ \mathrm{TG}_d - 18\,^{\circ}\mathrm{C})",
    "indices.growing_degree_days": r"\mathrm{GDD} = \sum_d \max(0,\ \mathrm{TG}_d - 4\,^{\circ}\mathrm{C})",
    "indices.freeze_thaw_days": _count(r"\mathrm{TN}_d < 0\,^{\circ}\mathrm{C} < \mathrm{TX}_d"),
}
