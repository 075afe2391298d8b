/* mean_radiant_temperature: of the surroundings of a person, from the fluxes of radiation at the surface. */
#include "diag/vector_math.h"
#include "kernels/pointwise.h"

/* Fluxes in W/m²: solar down, net and direct, thermal down and net. */
E5_SIMD_BODY double radiant(double solar, double solar_net, double direct, double thermal, double thermal_net,
                            double cosine) {
    double beam =
        cosine > 0.1 ? direct / cosine : direct; /* across the beam; the ratio says nothing at the horizon */
    double elevation = e5_asin(cosine) * (90 / E5_HALF_PI);
    double projected = 0.308 * e5_cos(E5_HALF_PI / 90 * elevation * (0.998 - elevation * elevation / 50000));
    double diffuse = 0.5 * (solar - direct) + 0.5 * (solar - solar_net) + projected * beam;
    double absorbed = 0.5 * thermal + 0.5 * (thermal - thermal_net) + 0.7 / 0.97 * diffuse;
    return sqrt(sqrt(absorbed / 0.0000000567));
}
E5_POINTWISE(radiant, 6)

const struct e5_pointwise_ops e5_mean_radiant_temperature_ops[] = {E5_POINTWISE_OPS(radiant)};
