from torch import nn

from ncfcheck import OwnModel, own_model


class SquaredReLU(nn.Module):
    def forward(self, x):
        return nn.functional.relu(x) ** 2


@own_model(channels=(1, 3), side=(2, 4))
def squared_relu_convolution(channels, side):
    first, last = nn.Conv2d(1, channels, 2, bias=False), nn.LazyLinear(1, bias=False)
    layers = [nn.Unflatten(1, (1, side, side)), first, SquaredReLU(), nn.Flatten(), last]
    return OwnModel.torch(nn.Sequential(*layers), inputs=side**2)
